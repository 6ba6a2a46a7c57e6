import type { ErrorData } from "@remit/core";
import { visible } from "./text.ts";

/** `mayHaveExecuted`: after this error nobody here can know whether the tool did its work. */
interface McpErrorEntry {
  readonly retryable: boolean;
  readonly mayHaveExecuted: boolean;
  readonly message: string;
  readonly hint: string;
}

/** What can go wrong between us and an MCP server, in both directions. `message` names members of `data` in braces. */
export const mcpErrorCodes = {
  "mcp/config-invalid": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the connection {server} is not set up right: {reason}",
    hint: "Correct the options of `connectMcp`.",
  },
  "mcp/spawn-failed": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} could not be started with {command}: {reason}",
    hint: "Check that the command exists, is on the PATH given to it, and that `cwd` is a folder.",
  },
  "mcp/exited-at-start": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} ended before it was ready (exit code {exitCode}, signal {signal}); it said: {stderr}",
    hint: "Run the command by hand; a missing argument or environment variable is the usual cause (only `env` is passed on).",
  },
  "mcp/connect-timeout": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} was not ready within {timeoutMs} ms; it said: {stderr}",
    hint: "Check that the command speaks MCP over standard input and output, or raise `limits.connectTimeoutMs`.",
  },
  "mcp/connect-cancelled": {
    retryable: true,
    mayHaveExecuted: false,
    message: "connecting to the server {server} was cancelled",
    hint: "Connect again when it is wanted.",
  },
  "mcp/handshake-failed": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} did not complete the handshake: {reason}",
    hint: "Check that the command is an MCP server; see its standard error at level debug.",
  },
  "mcp/version-unsupported": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} speaks protocol version {offered}, which is none of {supported}",
    hint: "Update the server or Remit.",
  },
  "mcp/listing-failed": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} did not list its tools: {reason}",
    hint: "A partial list is not used. See the server's standard error, or raise the limit that is named.",
  },
  "mcp/tool-missing": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} has no tool {tool}; it has {available}",
    hint: "Correct the name in `tools`, or set `remoteName` when the server calls it differently.",
  },
  "mcp/tool-invalid": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} defines the tool {tool} in a way that cannot be used: {reason}",
    hint: "Give the tool an `input` and an `output` of your own, or have the server mended.",
  },
  "mcp/tool-changed": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} defines the tool {tool} differently than it was pinned: {changes}",
    hint: "Read the new definition (`inspectMcp`), and set its pin when you accept it. Nothing is accepted by itself.",
  },
  "mcp/tool-outdated": {
    retryable: false,
    mayHaveExecuted: false,
    message:
      "the tool {tool} of the server {server} was made of another definition than the one accepted since: {changes}",
    hint: "Connect anew and make a supervisor of the new tools, beside the old one if its runs go on, or start this process again. Models have read the old definition, so this tool goes on to refuse.",
  },
  "mcp/server-unavailable": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} is not reachable: {reason}",
    hint: "The call was not sent. The next call after `retryAfterMs` tries to connect again.",
  },
  "mcp/closed": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the connection to the server {server} is closed",
    hint: "Connect again; a closed connection stays closed.",
  },
  "mcp/call-not-sent": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the call of {tool} was given up before it was sent to {server}: {reason}",
    hint: "Nothing happened at the server. Raise the tool's `timeoutMs` when the server is slow to start.",
  },
  "mcp/call-rejected": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} did not take the call of {tool} (error {rpcCode}): {reason}",
    hint: "Compare the arguments with the server's own schema (`inspectMcp`).",
  },
  "mcp/call-failed": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the server {server} failed in {tool} (error {rpcCode}): {reason}",
    hint: "A write may have happened all the same; look at the outside system.",
  },
  "mcp/call-timeout": {
    retryable: true,
    mayHaveExecuted: true,
    message: "the server {server} did not answer {tool} within {timeoutMs} ms",
    hint: "The server was told to stop, but a write may have happened. Raise the tool's `timeoutMs` when it needs longer, or `limits.callMsMax` where it told all the time that it goes on.",
  },
  "mcp/call-cancelled": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the call of {tool} was cancelled while the server {server} was at work",
    hint: "The server was told to stop, but a write may have happened.",
  },
  "mcp/connection-lost": {
    retryable: true,
    mayHaveExecuted: true,
    message:
      "the server {server} went away during {tool}: {reason} (exit code {exitCode}, signal {signal}); it said: {stderr}",
    hint: "The next call connects again. This one is not repeated by itself, because it may have been carried out.",
  },
  "mcp/result-invalid": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the server {server} answered {tool} with something that is not a result: {reason}",
    hint: "Have the server mended; a write has happened all the same.",
  },
  "mcp/result-too-large": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the server {server} answered {tool} with {bytes} bytes, more than {limit}",
    hint: "Ask the tool for less, or raise `limits.resultBytes`; a write has happened all the same.",
  },
  "mcp/tool-quarantined": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the tool {tool} of the server {server} waits to be accepted: {reason}",
    hint: "Read what was found with `remit-mcp pins`, and accept it with `remit-mcp accept`. Nothing is accepted by itself.",
  },
  "mcp/server-changed": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} is not the one that was accepted, so its tool {tool} is not called: {changes}",
    hint: "Read what changed with `remit-mcp pins`, and accept it with `remit-mcp accept`.",
  },
  "mcp/pins-unreadable": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the file of pins {file} cannot be used: {reason}",
    hint: "No tool that it decides on is called. Restore the file, or move it away and accept the tools again; it is never overwritten.",
  },
  "mcp/pins-busy": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the file of pins {file} was held by another process for {timeoutMs} ms",
    hint: "Try again. If it stays so, look for a process that stands still while it holds the lock beside the file.",
  },
  "mcp/acceptance-stale": {
    retryable: false,
    mayHaveExecuted: false,
    message: "nothing was accepted: {reason}",
    hint: "Read again what waits (`remit-mcp pins`): what was shown before is no longer what there is.",
  },
  "mcp/config-missing": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the file {file} cannot be read: {reason}",
    hint: "Correct the path, or the file's rights.",
  },
  "mcp/config-unreadable": {
    retryable: false,
    mayHaveExecuted: false,
    message: "{file}, line {line}, {field}: {reason}",
    hint: "Correct the file. The guide has an example of every member.",
  },
  "mcp/variable-missing": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the variable {variable} that {field} of the server {server} needs is not set",
    hint: "Set it in the environment, or give a default behind `:-` in the file.",
  },
  "mcp/name-refused": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the tool {tool} of the server {server} cannot be named {name}: {reason}",
    hint: "Give it another name in the configuration (in code the key in `tools`, in a file `name`), or leave one of the two out.",
  },
  "mcp/resource-denied": {
    retryable: false,
    mayHaveExecuted: false,
    message: "{uri} of the server {server} is none of the resources that are named for it",
    hint: "Add the address or a pattern for it to `resources.uris`.",
  },
  "mcp/tool-not-servable": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the tool {tool} cannot be offered by MCP: {reason}",
    hint: "An MCP tool takes an object; wrap the input into one.",
  },
  "mcp/serving-invalid": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server is not set up right: {reason}",
    hint: "Correct the options of `serveMcp`.",
  },
  "mcp/listen-failed": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server cannot listen on {host}, port {port}: {reason}",
    hint: "Choose another port, or end what listens there.",
  },
  "mcp/serving-unguarded": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server would listen on {host}, where others can reach it, and asks nobody who they are",
    hint: "Give `authenticate` (`bearerTokens`, `oauthResource`), or listen on 127.0.0.1.",
  },
  "mcp/connect-failed": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} cannot be reached at {target}: {reason}",
    hint: "Check the address, and that the server is up. With `start` it is tried again by itself.",
  },
  "mcp/auth-required": {
    retryable: false,
    mayHaveExecuted: false,
    message: "the server {server} wants us to authorise ourselves (scope {scope}): {reason}",
    hint: "Give the transport `auth` (`oauth`, `clientCredentials`) or a header; a person may have to agree again.",
  },
  "mcp/session-lost": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} forgot the session twice in a row before it took {tool}: {reason}",
    hint: "Several servers may share one address without sharing their sessions; have requests of one client go to one of them.",
  },
  "mcp/server-quarantined": {
    retryable: true,
    mayHaveExecuted: false,
    message: "the server {server} is in quarantine: {reason}",
    hint: "The call was not sent. Look at why it fails; it is tried again after `retryAfterMs` (limits `breakerFailures`, `breakerMs`).",
  },
  "mcp/input-rounds-exceeded": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the server {server} asked for more {rounds} times and did not answer {tool}",
    hint: "Raise `limits.inputRounds` when the tool needs so many questions; a write may have happened in part.",
  },
  "mcp/input-refused": {
    retryable: false,
    mayHaveExecuted: true,
    message: "the server {server} waits in {tool} for something that it does not get: {reason}",
    hint: "Allow what it asks for (elicitation, sampling, roots), or do without the tool; a write may have happened in part.",
  },
} as const satisfies Record<`mcp/${string}`, McpErrorEntry>;

export type McpErrorCode = keyof typeof mcpErrorCodes;

/** An error as data: what a journal, a wire or a report holds. */
export interface McpErrorRecord {
  readonly code: McpErrorCode;
  readonly message: string;
  readonly data: ErrorData;
}

const brand = Symbol.for("remit.mcp-error");

/**
 * Every error of the bridge. `code` says what happened, `hint` what to do, `data` is JSON, `cause` the original.
 * `mayHaveExecuted` is what a dispatcher needs to know after a write; it also stands in `data`.
 */
export class McpError<Code extends McpErrorCode = McpErrorCode> extends Error {
  override readonly name = "McpError";
  readonly code: Code;
  readonly data: ErrorData;
  readonly hint: string;
  readonly retryable: boolean;
  readonly mayHaveExecuted: boolean;

  constructor(code: Code, data: ErrorData, options?: { readonly cause?: unknown }) {
    const entry = mcpErrorCodes[code];
    super(`${code}: ${filled(entry.message, data)}`, options);
    this.code = code;
    this.mayHaveExecuted = entry.mayHaveExecuted;
    this.data = { ...data, mayHaveExecuted: entry.mayHaveExecuted };
    this.hint = entry.hint;
    this.retryable = entry.retryable;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this or another copy of the package, of this code or, without one, of any. */
  static is<Code extends McpErrorCode = McpErrorCode>(error: unknown, code?: Code): error is McpError<Code> {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as { code?: unknown }).code === code;
  }

  toRecord(): McpErrorRecord {
    return { code: this.code, message: this.message, data: this.data };
  }

  toJSON(): McpErrorRecord {
    return this.toRecord();
  }
}

function filled(template: string, data: ErrorData): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = data[name];
    if (value === undefined) return "?";
    // What a server says stands in here, and a message is read on terminals.
    const text = visible(typeof value === "string" ? `"${value}"` : JSON.stringify(value));
    return text.length > 2_100 ? `${text.slice(0, 2_100)}…` : text;
  });
}
