import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import type { Json } from "@remit/core";
import type { Mask } from "./text.ts";
import type { McpTransport } from "./transport.ts";

/**
 * What is behind the name of a server: a program with its arguments and the version of the package it comes from, or the
 * origin of an address. What the server calls itself is no part of it. Secrets stand in it by their names.
 */
export type ServerIdentity =
  | {
      readonly kind: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      /** Where it is known: of `npx name@1.2.3` from the words, of a script or program from the package.json above it. */
      readonly package?: { readonly name: string; readonly version: string };
    }
  | { readonly kind: "http"; readonly origin: string };

/** What a person accepts of a server beside its tools. */
export interface ServerFacts {
  readonly identity: ServerIdentity;
  /** What it would like models to be told. Never told to them by itself; a change of it is a change of the server. */
  readonly instructions: string | null;
}

const runners: readonly string[] = ["npx", "pnpx", "bunx", "uvx", "pipx"];
const foldersMax = 10;

/** Looks at the file system, and at nothing else. */
export function identityOf(transport: McpTransport, mask: Mask = (text) => text): ServerIdentity {
  if (transport.kind !== "stdio") return { kind: "http", origin: new URL(transport.url).origin };
  const { command, args, env, cwd } = transport;
  const found = runners.includes(basename(command))
    ? packageInWords(args)
    : packageOfFile(programOf(command, args, { cwd: cwd ?? process.cwd(), path: env.PATH ?? process.env.PATH ?? "" }));
  return {
    kind: "stdio",
    command: mask(command),
    args: args.map(mask),
    ...(found === undefined ? {} : { package: found }),
  };
}

/** `@scope/name@1.2.3` as a runner is given it. A name without a version stands for whatever is newest: nothing is known. */
function packageInWords(args: readonly string[]): { name: string; version: string } | undefined {
  const word = args.find((arg) => !arg.startsWith("-") && arg !== "exec" && arg !== "run");
  const [, name, version] = /^((?:@[^/@]+\/)?[^/@]+)@(\d[^/]*)$/.exec(word ?? "") ?? [];
  return name !== undefined && version !== undefined ? { name, version } : undefined;
}

/** The script that an interpreter is given, or the program itself. */
function programOf(
  command: string,
  args: readonly string[],
  { cwd, path }: { readonly cwd: string; readonly path: string },
): string | undefined {
  if (/^(node|bun|deno|tsx|ts-node)(\.exe)?$/.test(basename(command))) {
    const script = args.map((arg) => resolve(cwd, arg)).find(isFile);
    if (script !== undefined) return script;
  }
  if (isAbsolute(command) || command.includes("/")) return resolve(cwd, command);
  return path
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find(isFile);
}

function packageOfFile(file: string | undefined): { name: string; version: string } | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  let folder = dirname(realpathSync(file));
  for (let steps = 0; steps < foldersMax && folder !== dirname(folder); steps++, folder = dirname(folder)) {
    const manifest = manifestOf(join(folder, "package.json"));
    if (manifest) return manifest;
  }
  return undefined;
}

function manifestOf(file: string): { name: string; version: string } | undefined {
  if (!isFile(file)) return undefined;
  let read: Json;
  try {
    read = JSON.parse(readFileSync(file, "utf8")) as Json;
  } catch {
    return undefined; // No manifest of a package; the one above it may be.
  }
  const { name, version } = read as { readonly name?: unknown; readonly version?: unknown };
  return typeof name === "string" && typeof version === "string" ? { name, version } : undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
