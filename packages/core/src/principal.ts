import { userInfo } from "node:os";

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

/** What a journal keeps of a principal: these members and nothing else that a session may have hung on it. */
export function plainPrincipal({ id, kind, roles, authenticated, onBehalfOf }: Principal): Principal {
  return { id, kind, roles: [...roles], authenticated, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) };
}
