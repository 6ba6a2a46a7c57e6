import { fileURLToPath } from "node:url";

/** Which world a server process offers, and where it keeps its logs. */
export interface WorldServerOptions {
  /** Absolute path, `./path` from the working directory, or package specifier of the module with the world. */
  readonly module: string;
  /** Name of the export: a world, or a function that takes `options` and returns one. */
  readonly export: string;
  readonly options?: { readonly [name: string]: unknown };
  /** Folder of the log files. */
  readonly dir: string;
}

/** The command line that starts the world's server, as a stdio transport wants it. */
export function worldServerCommand({ module, export: name, options = {}, dir }: WorldServerOptions): {
  readonly command: string;
  readonly args: string[];
} {
  // The same file in source and in a build, where it ends in `.js`. In source, workspace packages resolve to `.ts` too.
  const source = import.meta.url.endsWith(".ts");
  const entry = fileURLToPath(new URL(source ? "./server.ts" : "./server.js", import.meta.url));
  const args = [entry, "--world", module, "--export", name, "--options", JSON.stringify(options), "--dir", dir];
  return { command: process.execPath, args: source ? ["--conditions=@remit/source", ...args] : args };
}

/** `_meta` of a `tools/call` request: the run that the call belongs to, and the key of a write. */
export function worldMeta(worldId: string, key?: string): { readonly [name: string]: string } {
  return { "remit/worldId": worldId, ...(key === undefined ? {} : { "remit/idempotencyKey": key }) };
}
