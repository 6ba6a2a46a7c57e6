import { osPrincipal, type Principal } from "@remit/core";
import { SandboxError } from "../errors.ts";
import type { Screen } from "../face/screen.ts";

/** Who gives a command: the system's user, or whoever `--as` says. Nobody checks it. */

export interface PersonOptions {
  readonly as?: string;
  readonly role?: readonly string[];
}

const kinds = ["operator", "user", "service"] as const;

/** @throws SandboxError `usage/wrong` */
export function personOf({ as, role }: PersonOptions): Principal {
  const own = osPrincipal().current();
  if (as === undefined) return { ...own, roles: role ?? ["staff", ...own.roles] };
  const [kind = "", ...rest] = as.split(":");
  const known = kinds.find((one) => one === kind);
  const id = rest.join(":");
  if (!known || id === "") {
    const reason = `--as takes a kind and an id, such as operator:jo, not "${as}"; kinds are ${kinds.join(", ")}`;
    throw new SandboxError("usage/wrong", { reason });
  }
  return { id, kind: known, roles: role ?? (known === "operator" ? ["staff"] : []), authenticated: false };
}

/** What has to be said wherever somebody decides. */
export function developmentLine({ paint }: Screen): string {
  return paint.warn("Development mode: nobody checks who you are, and the decision is recorded as unauthenticated.");
}
