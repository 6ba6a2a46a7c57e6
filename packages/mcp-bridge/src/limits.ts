import { McpError } from "./errors.ts";

/** Bounds on one server. Times in milliseconds, sizes in bytes. */
export interface McpLimits {
  /** From the start of the process to the last page of its list. */
  readonly connectTimeoutMs: number;
  /** Pages of `tools/list`. */
  readonly pages: number;
  /** Tools in all pages together. */
  readonly tools: number;
  /** All pages together, as JSON. */
  readonly listBytes: number;
  /** One message on the wire, decoded. A longer one ends the connection to a process, and the request over HTTP. */
  readonly messageBytes: number;
  /** All messages of the answer to one request over HTTP, decoded. */
  readonly responseBytes: number;
  /** One check by a schema that cannot be made at once; a tool whose check takes longer is put out of use. */
  readonly checkMs: number;
  /** One answer to a call, as JSON; a longer one is `mcp/result-too-large`. How much of it a model sees is a tool's own. */
  readonly resultBytes: number;
  /** All images, sounds and files of one answer, in base64; those beyond it are left out of what a model sees. */
  readonly mediaBytes: number;
  /** How long a server may take to end by itself once its input has ended, and again after SIGTERM. */
  readonly closeGraceMs: number;
  /** Wait before the second attempt to connect in a row; it doubles from there. The first is made at once. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Failures in a row after which the server is quarantined: nobody connects to it any more until `breakerMs` later. */
  readonly breakerFailures: number;
  readonly breakerMs: number;
  /** One call, however often the server says that it goes on. A tool's `timeoutMs` bounds its silence. */
  readonly callMsMax: number;
  /** How often a server may ask for more before it answers one request. */
  readonly inputRounds: number;
  /** What a server may say unasked: this much at once, and this much a second after that. More is dropped, and counted. */
  readonly noticeBurst: number;
  readonly noticesPerSecond: number;
  /** Dropped messages after which the connection is ended. */
  readonly noticesDroppedMax: number;
  /** Least time between two looks at a list that a server says has changed. */
  readonly refreshMs: number;
}

export const defaultMcpLimits: McpLimits = {
  connectTimeoutMs: 10_000,
  pages: 64,
  tools: 2_000,
  listBytes: 8 * 1024 * 1024,
  messageBytes: 10 * 1024 * 1024,
  responseBytes: 64 * 1024 * 1024,
  resultBytes: 8 * 1024 * 1024,
  mediaBytes: 4 * 1024 * 1024,
  checkMs: 250,
  closeGraceMs: 1_000,
  backoffMs: 250,
  backoffMsMax: 30_000,
  breakerFailures: 8,
  breakerMs: 60_000,
  callMsMax: 3_600_000,
  inputRounds: 5,
  noticeBurst: 1_000,
  noticesPerSecond: 200,
  noticesDroppedMax: 10_000,
  refreshMs: 1_000,
};

/**
 * Fills in the defaults.
 * @throws McpError `mcp/config-invalid` for an unknown limit, or one that is not a positive whole number
 */
export function resolveMcpLimits(server: string, overrides: Partial<McpLimits> = {}): McpLimits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(defaultMcpLimits, name)) {
      throw new McpError("mcp/config-invalid", { server, reason: `there is no limit named "${name}"` });
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new McpError("mcp/config-invalid", { server, reason: `limits.${name} cannot be ${String(value)}` });
    }
  }
  return { ...defaultMcpLimits, ...overrides };
}
