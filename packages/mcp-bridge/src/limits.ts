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
  /** One message on the wire; a longer one ends the connection. */
  readonly messageBytes: number;
  /** One answer to a call, as JSON; a longer one is `mcp/result-too-large`. How much of it a model sees is a tool's own. */
  readonly resultBytes: number;
  /** All images, sounds and files of one answer, in base64; those beyond it are left out of what a model sees. */
  readonly mediaBytes: number;
  /** How long a server may take to end by itself once its input has ended, and again after SIGTERM. */
  readonly closeGraceMs: number;
  /** Wait before the second attempt to connect in a row; it doubles from there. The first is made at once. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

export const defaultMcpLimits: McpLimits = {
  connectTimeoutMs: 10_000,
  pages: 64,
  tools: 2_000,
  listBytes: 8 * 1024 * 1024,
  messageBytes: 10 * 1024 * 1024,
  resultBytes: 8 * 1024 * 1024,
  mediaBytes: 4 * 1024 * 1024,
  closeGraceMs: 1_000,
  backoffMs: 250,
  backoffMsMax: 30_000,
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
