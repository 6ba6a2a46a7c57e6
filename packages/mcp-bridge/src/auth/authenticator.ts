import type { McpClient } from "../mcp-client.ts";

/** Finds out who sends a request of HTTP. Tokens stop here: none is handed on to tools or to other servers. */
export interface McpAuthenticator {
  /**
   * @param authorization the header of that name, as it came; `undefined` where there is none
   * Never rejects for what is wrong with a token; a rejection is an outage, answered with 503.
   */
  readonly authenticate: (authorization: string | undefined) => Promise<Authentication>;
  /** What the server says about itself to clients that look for its authorization server (RFC 9728). */
  readonly resource?: ProtectedResource;
}

export type Authentication =
  | { readonly ok: true; readonly client: McpClient }
  | {
      readonly ok: false;
      /** `missing`: no token came; the answer to it names no error, as RFC 6750 has it. */
      readonly error: "missing" | "invalid_request" | "invalid_token" | "insufficient_scope";
      readonly description: string;
      /** Scopes that are needed, where that is what is missing. */
      readonly scopes?: readonly string[];
    };

export interface ProtectedResource {
  /** The server's address as clients write it, `https://tools.example.com/mcp`: the audience of its tokens. */
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
}

/** The token of a header, or what is wrong with it. */
export function bearerOf(authorization: string | undefined): string | Extract<Authentication, { ok: false }> {
  if (authorization === undefined) return { ok: false, error: "missing", description: "A token is needed." };
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1];
  return token ?? { ok: false, error: "invalid_request", description: "The header is no bearer token." };
}
