import { existsSync, readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { OrchestrationError, type Policy, reasonOf, type SupervisorDefinition } from "@remit/core";
import type { PolicyCase } from "@remit/core/testing";
import { SandboxError } from "../errors.ts";

/** What a person's file says of policies. */
export interface PolicyFile {
  readonly policy: Policy;
  /** The module's export `cases`. */
  readonly cases: readonly PolicyCase[];
  /** The supervisor that the module exports, for which the policy is. */
  readonly definition: SupervisorDefinition | undefined;
}

/**
 * A policy from a `.cedar` file, or from a module that exports one. The module is run, as any program of the person's
 * would be.
 * @throws SandboxError `usage/wrong`
 * @throws OrchestrationError `policy/cedar-invalid`, `policy/rule-invalid`
 */
export async function policyOfFile(file: string): Promise<PolicyFile> {
  const wrong = (reason: string) => new SandboxError("usage/wrong", { reason });
  if (!existsSync(file)) throw wrong(`there is no file at ${file}`);
  if (extname(file) === ".cedar") {
    const { cedarPolicy } = await import("@remit/core/cedar");
    const name = basename(file, ".cedar").replaceAll(/[^A-Za-z0-9_-]/g, "-");
    const policy = cedarPolicy({ name, version: "candidate", text: readFileSync(file, "utf8") });
    return { policy, cases: [], definition: undefined };
  }
  const module = await import(pathToFileURL(file).href).catch((thrown: unknown) => {
    if (OrchestrationError.is(thrown)) throw thrown;
    throw wrong(`${file} cannot be loaded: ${reasonOf(thrown)}`);
  });
  const exported: readonly unknown[] = Object.values(module);
  const policy = exported.find((one) => kindOf(one) === "policy");
  if (!policy) throw wrong(`${file} exports no policy`);
  const found = exported
    .map((one) => (typeof one === "object" && one !== null && "definition" in one ? one.definition : one))
    .find((one) => kindOf(one) === "supervisor");
  const { cases = [] } = module as { readonly cases?: readonly PolicyCase[] };
  return { policy: policy as Policy, cases, definition: found as SupervisorDefinition | undefined };
}

function kindOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
}
