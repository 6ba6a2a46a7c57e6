/** What a network says when nobody answers, as Node and its `fetch` put it. */
export const networkCodes: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

const depthMax = 5;

/** The first `code` that fits, of something thrown or of what caused it: `fetch` hides the network's word in `cause`. */
export function codeOf(thrown: unknown, fits: (code: string) => boolean): string | undefined {
  let at = thrown;
  for (let depth = 0; depth < depthMax && typeof at === "object" && at !== null; depth++) {
    const { code, cause } = at as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === "string" && fits(code)) return code;
    at = cause;
  }
  return undefined;
}
