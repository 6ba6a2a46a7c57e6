import { userInfo } from "node:os";
import { assertOptions, oneOf, optional, text, texts, type Wanted, yesOrNo } from "./wanted.ts";

/** Who acts: starts a run, answers a question, approves (D11). */
export interface Principal {
  readonly id: string;
  readonly kind: "user" | "operator" | "service";
  readonly roles: readonly string[];
  /** `false` marks every decision this principal makes as `unauthenticated`. */
  readonly authenticated: boolean;
  /** Whose delegate this is: what one of them asked for, the other cannot approve. */
  readonly onBehalfOf?: string;
}

/** Where principals come from: a session, a token, the operating system. */
export interface PrincipalSource {
  readonly current: () => Principal;
}

/** An authenticated end user. */
export function user(id: string, roles: readonly string[] = []): Principal {
  return { id, kind: "user", roles, authenticated: true };
}

/** An authenticated member of staff. */
export function operator(id: string, roles: readonly string[] = []): Principal {
  return { id, kind: "operator", roles, authenticated: true };
}

/** An authenticated program. */
export function service(id: string, roles: readonly string[] = []): Principal {
  return { id, kind: "service", roles, authenticated: true };
}

/** Development mode: the operating system's user, whose decisions are marked `unauthenticated`. */
export function osPrincipal(): PrincipalSource {
  const { username } = userInfo();
  return { current: () => ({ id: `os:${username}`, kind: "operator", roles: ["developer"], authenticated: false }) };
}

const somebody = {
  id: text,
  kind: oneOf("user", "operator", "service"),
  roles: texts,
  authenticated: yesOrNo,
  onBehalfOf: optional(text),
} as const satisfies { readonly [Member in keyof Principal]-?: Wanted };

/** @throws OrchestrationError `options/invalid` for what is nobody: a text, say, whose letters would pass for roles */
export function assertPrincipal(given: unknown): asserts given is Principal {
  assertOptions("who acts (`user(id)`, `operator(id)` or `service(id)`)", given, somebody, "principal");
}

/**
 * What a journal keeps of a principal: these members and nothing else that a session may have hung on it.
 * @throws OrchestrationError `options/invalid`
 */
export function plainPrincipal(given: Principal): Principal {
  assertPrincipal(given);
  const { id, kind, roles, authenticated, onBehalfOf } = given;
  return { id, kind, roles: [...roles], authenticated, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) };
}
