import { dirname, resolve } from "node:path";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { exportsOf, kindOf } from "../own/module.ts";
import type { ConfiguredEngine, ConfiguredSupervisor, RemitConfig, RemitConfigOptions } from "./define-config.ts";

/** A configuration that was read and looked at. Paths are absolute. */
export interface ReadConfig extends Omit<RemitConfigOptions, "supervisors" | "engine" | "tenants"> {
  readonly file: string;
  readonly folder: string;
  readonly packs: NonNullable<RemitConfigOptions["packs"]>;
  readonly supervisors: readonly ConfiguredSupervisor[];
  readonly engine?: ConfiguredEngine;
  readonly tenants: readonly string[];
}

/**
 * Reads a configuration. The module is run, as any program of the person's would be; nothing that it names is opened.
 * @throws SandboxError `config/file-missing`, `config/not-loadable`, `config/not-exported`, `config/field-wrong`
 */
export async function readConfig(file: string): Promise<ReadConfig> {
  const exported = await exportsOf(file, { missing: "config/file-missing", broken: "config/not-loadable" });
  const { default: main, ...others } = exported;
  const named = Object.entries(others).filter(([, value]) => kindOf(value) === "config" && value !== main);
  const [second] = named;
  if (second) {
    const reason = `it exports one as \`${second[0]}\`, ${main === undefined ? "and none as its default" : "beside its default"}`;
    throw new SandboxError("config/not-exported", { file, reason });
  }
  if (typeof main !== "object" || main === null || kindOf(main) !== "config") {
    const is =
      main === undefined
        ? "there is none"
        : `it is ${typeof main === "object" ? "another object" : `a ${typeof main}`}`;
    throw new SandboxError("config/not-exported", { file, reason: is });
  }
  const read = shape.safeParse(main);
  if (!read.success) {
    const [issue] = read.error.issues;
    const keys = issue?.code === "unrecognized_keys" ? issue.keys : [];
    const field = [...(issue?.path ?? []), ...keys.slice(0, 1)].map(String).join(".");
    const reason =
      keys.length > 0 ? `there is no such member; there are ${members.join(", ")}` : (issue?.message ?? "");
    throw new SandboxError("config/field-wrong", { file, field, reason });
  }
  return located(main as RemitConfig, file);
}

function located(config: RemitConfig, file: string): ReadConfig {
  const folder = dirname(file);
  const { packs = {}, supervisors = [], engine, tenants = [], models, mcp, policy, state } = config;
  const at = (path: string) => resolve(folder, path);
  const inFile = (path: ConfiguredEngine) =>
    "sqlite" in path && typeof path.sqlite === "string" ? { sqlite: at(path.sqlite) } : path;
  return {
    file,
    folder,
    packs: Object.fromEntries(
      Object.entries(packs).map(([name, pack]) => [name, typeof pack === "string" ? at(pack) : pack]),
    ),
    supervisors: (Array.isArray(supervisors) ? supervisors : [supervisors]) as readonly ConfiguredSupervisor[],
    tenants: typeof tenants === "string" ? [tenants] : tenants,
    ...(engine === undefined ? {} : { engine: inFile(engine) }),
    ...(models === undefined ? {} : { models }),
    ...(mcp === undefined ? {} : { mcp: at(mcp) }),
    ...(policy === undefined ? {} : { policy: typeof policy === "string" ? at(policy) : policy }),
    ...(state === undefined ? {} : { state: at(state) }),
  };
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isFunction = (value: unknown) => typeof value === "function";
const path = z.string("a path, as text").min(1, "a path, and it is empty");
const of = (fits: (value: unknown) => boolean, is: string) => z.unknown().refine(fits, is);

const isSupervisor = (value: unknown): boolean =>
  isFunction(value) || kindOf(value) === "supervisor" || (isObject(value) && "definition" in value);
const supervisorText =
  "a supervisor: what defineSupervisor or createSupervisor has made, a function that makes one, or a list of these";
const isEngine = (value: unknown) =>
  isObject(value) &&
  "journal" in value &&
  isObject(value.journal) &&
  isFunction((value as { readonly register?: unknown }).register);
const isSqlite = (value: unknown) =>
  isObject(value) &&
  Object.keys(value).join() === "sqlite" &&
  typeof (value as { sqlite: unknown }).sqlite === "string";
const engineText = '{ sqlite: "path/of/the.db" }, an engine, or a function that opens one';

const packName = "a pack's name has lower-case letters, digits and hyphens, a letter first, at most 40";

const fields = {
  kind: z.literal("config"),
  packs: z.record(
    z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
    of(
      (value) => isText(value) || kindOf(value) === "pack",
      "a pack: what definePack has made, or the path of a module that exports one",
    ),
    { error: (issue) => (issue.code === "invalid_key" ? packName : "packs by name") },
  ),
  supervisors: of(
    (value) => isSupervisor(value) || (Array.isArray(value) && value.every(isSupervisor)),
    supervisorText,
  ),
  engine: of((value) => isFunction(value) || isSqlite(value) || isEngine(value), engineText),
  tenants: of(
    (value) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
    "a tenant's name, or a list of names",
  ),
  models: of(
    (value) => isFunction(value) || (isObject(value) && !Array.isArray(value)),
    "models by alias, or a function",
  ),
  mcp: path,
  policy: of((value) => isText(value) || kindOf(value) === "policy", "a policy, or the path of its file"),
  state: path,
} satisfies Record<keyof RemitConfig, z.ZodType>;

const { kind, ...optional } = fields;
const members = Object.keys(optional);
const shape = z.strictObject({ kind, ...z.object(optional).partial().shape });
