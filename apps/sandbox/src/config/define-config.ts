import type { AnyTool, Engine, Model, Policy, Route, Supervisor, SupervisorDefinition } from "@remit/core";
import type { OwnPack } from "../own/define-pack.ts";

/** What an application is made of, as far as the `remit` command has to know: `remit.config.ts`. */

/** Models by alias. */
export type ModelsByAlias = Readonly<Record<string, Model | Route>>;

/** What somebody who puts supervisors to work is given. */
export interface AtHand<Models = ModelsByAlias> {
  /** The configured engine. */
  readonly engine: Engine;
  /** The configured models by alias. */
  readonly models: Models;
  /** Tools of the configured MCP servers, by name. */
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly policy: Policy | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: any supervisor may be operated.
type AnyDefinition = SupervisorDefinition<any, any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above.
type AnySupervisor = Supervisor<any, any>;

/**
 * A supervisor as an application has it: compiled, put to work, or a function that puts one or several to work on the
 * engine that it is given.
 */
export type ConfiguredSupervisor<Models = ModelsByAlias> =
  | AnyDefinition
  | AnySupervisor
  | ((atHand: AtHand<Models>) => Made | Promise<Made>);
type Made = AnyDefinition | AnySupervisor | readonly (AnyDefinition | AnySupervisor)[];

/** Where the application's runs are: the file of its SQLite engine, or an engine of any kind. */
export type ConfiguredEngine = { readonly sqlite: string } | Engine | (() => Engine | Promise<Engine>);

/** Paths begin at the file that they stand in. */
export interface RemitConfigOptions<Models extends ModelsByAlias = ModelsByAlias> {
  /** Packs that `remit run <name>` plays: what `definePack` has made, or the path of a module that exports one. */
  readonly packs?: Readonly<Record<string, OwnPack | string>>;
  /** The application's own supervisors: what `check` and `graph` look at, and what carries out the word of operators. */
  readonly supervisors?: ConfiguredSupervisor<NoInfer<Models>> | readonly ConfiguredSupervisor<NoInfer<Models>>[];
  /** Opened only by commands that look at the application's own runs. */
  readonly engine?: ConfiguredEngine;
  /** The tenants of the application, for commands that name none. */
  readonly tenants?: string | readonly string[];
  /** Models by alias, for supervisors that are compiled only. A function is called when a run has to go on. */
  readonly models?: Models | (() => Models | Promise<Models>);
  /** The file of MCP servers, as `remit-mcp` reads it. */
  readonly mcp?: string;
  /** The policy, or its file: what `remit policy` looks at when it is told no other, and a live policy of compiled supervisors. */
  readonly policy?: Policy | string;
  /** The sandbox's state folder; `.remit` beside the file when absent. */
  readonly state?: string;
}

export interface RemitConfig extends RemitConfigOptions {
  readonly kind: "config";
}

/** Says what the `remit` command finds in a project. Only infers; what is wrong is told when the file is read. */
export function defineConfig<const Models extends ModelsByAlias = ModelsByAlias>(
  options: RemitConfigOptions<Models>,
): RemitConfig {
  return { ...(options as unknown as RemitConfigOptions), kind: "config" };
}
