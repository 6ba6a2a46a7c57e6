import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type AnyTool, type Json, OrchestrationError, reasonOf, type SupervisorDefinition } from "@remit/core";
import type { Scenario } from "@remit/core/testing";
import { SandboxError } from "../errors.ts";
import type { Pack, PackTool, ServersPack, WorldPack } from "../pack.ts";
import { type Stranger, strangerIn } from "../scenario/known-names.ts";
import { loadScenarios, uniqueScenarios, type YamlOptions } from "../scenario/yaml.ts";
import { agentsIn } from "../suite/agents-in.ts";
import { fieldText, firstFault } from "../yaml-document.ts";
import { retooled } from "./retool.ts";
import { disarmed, openTeamPlace } from "./team-world.ts";

/** A team as a person has it: compiled, or put to work. */
export type OwnTeam =
  // biome-ignore lint/suspicious/noExplicitAny: any supervisor may be played.
  SupervisorDefinition<any, any, any> | { readonly definition: SupervisorDefinition<any, any, any> };

/**
 * Where scenarios come from: a YAML file or a folder of them, values of `defineScenario`, or several of these. A path
 * that is not absolute begins at the pack's own module.
 */
export type ScenarioSource = string | URL | Scenario | readonly (string | URL | Scenario)[];

interface OwnFacts {
  /** Lower-case letters, digits and hyphens, a letter first. */
  readonly name: string;
  /** The name when absent. */
  readonly title?: string;
  readonly description?: string;
  readonly scenarios: ScenarioSource | (() => readonly Scenario[]);
  /** What `${…}` in YAML scenarios may name. */
  readonly fixtures?: unknown;
}

type Extras = Pick<Pack, "otherwise" | "conduct" | "seal" | "tells" | "score" | "closing">;

/** A pack over a team whose tools are functions of this program. No server is started. */
export interface TeamPackOptions<World> extends OwnFacts, Extras {
  /**
   * Makes the state that the tools of one scenario work on. Called anew for each scenario, so that none sees what another
   * has written. It must be in memory alone: after a restart the writes that were done are done again over a new one, with
   * the same keys. Absent: the tools are taken as they are, and nothing is made anew or done again.
   */
  readonly world?: () => World;
  /** The team over that state; with a world it is called as often as `world`, and must come out the same. */
  readonly team: OwnTeam | ((world: NoInfer<World>) => OwnTeam);
  /** What the state is, as JSON: scenarios expect `changes` of it, and `score` gets it. */
  readonly endState?: (world: NoInfer<World>) => unknown;
  /** Those of a pack over servers; here the team says which tools there are. */
  readonly tools?: never;
}

type OwnForm<Known extends Pack> = OwnFacts &
  Extras &
  Omit<Known, keyof OwnFacts | keyof Extras | "team" | "scenarios" | "offline"> & {
    readonly team: (tools: ReadonlyMap<string, AnyTool>) => OwnTeam;
  };

/** A pack over a world behind a server process of its own: every call is in the world's log. */
export type OwnWorldPack = OwnForm<WorldPack>;
/** A pack over servers, or whatever else gives tools. */
export type OwnServersPack = OwnForm<ServersPack>;

/** A pack that the `remit` command can load: a module's default export, or a member of `remit.config.ts`. */
export type OwnPack = Pack & {
  readonly kind: "pack";
  /** The same pack with paths that begin at `folder`, and with the scenarios at `scenarios` in place of its own. */
  readonly at: (place: { readonly folder: string; readonly scenarios?: string | undefined }) => OwnPack;
};

/**
 * Defines a pack: a team, what it works on, and scenarios.
 * @throws SandboxError `pack/name-invalid`. What the functions throw is thrown when they are called, as `pack/failed`
 */
export function definePack(options: OwnWorldPack): OwnPack;
export function definePack(options: OwnServersPack): OwnPack;
export function definePack<World = undefined>(options: TeamPackOptions<World>): OwnPack;
export function definePack(options: TeamPackOptions<unknown> | OwnWorldPack | OwnServersPack): OwnPack {
  const { name } = options;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new SandboxError("pack/name-invalid", { pack: String(name) });
  }
  return located(options, { folder: undefined });
}

type AnyOptions = TeamPackOptions<unknown> | OwnWorldPack | OwnServersPack;

interface Where {
  readonly folder: string | undefined;
  readonly scenarios?: string | undefined;
}

function located(options: AnyOptions, where: Where): OwnPack {
  const base = "server" in options || "openPlace" in options ? served(options) : played(options);
  let scenarios: readonly Scenario[] | undefined;
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(base),
      ...Object.getOwnPropertyDescriptors({
        kind: "pack" as const,
        title: options.title ?? options.name,
        description: options.description ?? "",
        scenarios: () => {
          scenarios ??= scenariosOf(options, base, where);
          return scenarios;
        },
        at: (place: { readonly folder: string; readonly scenarios?: string | undefined }) => located(options, place),
      }),
    },
  ) as OwnPack;
}

type Base = Omit<Pack, "title" | "description" | "scenarios">;

function served(options: OwnWorldPack | OwnServersPack): Base {
  const { team, fixtures: _, scenarios: __, ...rest } = options;
  return {
    ...rest,
    team: (tools) => guarded(options.name, "team", () => definitionOf(options.name, team(tools))),
  };
}

function played(options: TeamPackOptions<unknown>): Base & Pick<ServersPack, "openPlace"> {
  const { name, world, team, endState, title: _, description: __, scenarios: ___, fixtures: ____, ...rest } = options;
  const open = () => {
    const state = world === undefined ? undefined : guarded(name, "world", () => atOnce(world()));
    const made = guarded(name, "team", () => definitionOf(name, typeof team === "function" ? team(state) : team));
    return { state, made };
  };
  let drawn: SupervisorDefinition | undefined;
  const definition = () => {
    drawn ??= open().made;
    return drawn;
  };
  const one = () => {
    const { state, made } = world === undefined ? { state: undefined, made: definition() } : open();
    if (made.hash !== definition().hash) {
      const reason = "it makes another team each time; names, schemas and versions must not depend on the world";
      throw new SandboxError("pack/failed", { pack: name, member: "team", reason });
    }
    return {
      tools: made.tools,
      endState: endState && (() => guarded(name, "endState", () => asJson(atOnce(endState(state))))),
      anew: world !== undefined,
    };
  };
  return {
    ...rest,
    name,
    get tools() {
      return Object.fromEntries([...definition().tools].map(([tool, about]) => [tool, packTool(about)]));
    },
    team: (tools) => retooled(definition(), (tool) => tools.get(tool.name) ?? tool),
    offline: () => retooled(definition(), disarmed),
    openPlace: (place) => openTeamPlace({ pack: name, open: one, tools: definition().tools }, place),
  };
}

function packTool({ effect, risk, idempotency }: AnyTool): PackTool {
  return effect === "read" ? { effect } : { effect, risk, idempotency };
}

function definitionOf(pack: string, team: OwnTeam): SupervisorDefinition {
  const found = typeof team === "object" && team !== null && "definition" in team ? team.definition : team;
  if (typeof found === "object" && found !== null && (found as SupervisorDefinition).kind === "supervisor") {
    return found as SupervisorDefinition;
  }
  throw new SandboxError("pack/failed", { pack, member: "team", reason: "it gives no supervisor" });
}

/** A state that comes later would be given to the team as the promise that it is. */
function atOnce<Value>(value: Value): Value {
  const isLate =
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
  if (isLate) throw new TypeError("it gives a promise; what has to be waited for belongs behind `openPlace`");
  return value;
}

/** What a state is told as: a map or a set would be told as nothing, and no change in it would ever be seen. */
function asJson(value: unknown): Json {
  const text = JSON.stringify(value ?? null, (_, part: unknown) => {
    if (!(part instanceof Map || part instanceof Set)) return part;
    const what = part instanceof Map ? "Map" : "Set";
    throw new TypeError(`it gives a ${what}, which JSON does not have; give its entries as an object or a list`);
  });
  if (text === undefined) throw new TypeError("it gives something that JSON does not have");
  return JSON.parse(text) as Json;
}

/** What goes wrong in a person's own functions is theirs, and told as that; what has a code tells itself. */
function guarded<Result>(pack: string, member: string, act: () => Result): Result {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof SandboxError || OrchestrationError.is(thrown)) throw thrown;
    throw new SandboxError("pack/failed", { pack, member, reason: reasonOf(thrown) }, { cause: thrown });
  }
}

/** True where it can be told what a scenario has changed. */
function tells(options: AnyOptions): boolean {
  return "server" in options || "openPlace" in options || options.endState !== undefined;
}

const scenarioName = /^[A-Za-z0-9_-]{1,80}$/;

function scenariosOf(options: AnyOptions, base: Base, { folder, scenarios: other }: Where): readonly Scenario[] {
  const { name, scenarios, fixtures } = options;
  let names: ReturnType<typeof knownTo> | undefined;
  const known = () => {
    names ??= knownTo(base);
    return names;
  };
  const yaml = (path: string | URL) => {
    const file =
      path instanceof URL ? fileURLToPath(path) : folder === undefined ? resolve(path) : resolve(folder, path);
    return loadScenarios(file, {
      ...(fixtures === undefined ? {} : { fixtures: fixtures as never }),
      ...known(),
    });
  };
  const found = (): readonly Scenario[] => {
    if (other !== undefined) return yaml(other);
    if (typeof scenarios === "function") return scenarios();
    const sources = (Array.isArray(scenarios) ? scenarios : [scenarios]) as readonly (string | URL | Scenario)[];
    return sources.flatMap((source) => (typeof source === "string" || source instanceof URL ? yaml(source) : source));
  };
  const all = uniqueScenarios(guarded(name, "scenarios", found));
  const wrong = all.find((one) => !scenarioName.test(String(one?.name)));
  if (wrong) throw new SandboxError("scenario/name-invalid", { pack: name, scenario: String(wrong?.name) });
  for (const one of all) {
    const stranger = guarded(name, "scenarios", () => strangerIn(one, known()) ?? unfitIn(one, known()));
    if (!stranger) continue;
    const reason = `"${one.name}": ${fieldText(stranger.path)}: ${stranger.reason}`;
    throw new SandboxError("pack/failed", { pack: name, member: "scenarios", reason });
  }
  const untold = tells(options) ? undefined : all.find(({ expect }) => expect.changes !== undefined);
  if (untold) {
    const reason = `"${untold.name}" expects changes, and the pack has no endState that would tell them`;
    throw new SandboxError("pack/failed", { pack: name, member: "scenarios", reason });
  }
  return all;
}

/** What of a scenario's input the entry agent does not take: its run would not begin, and its suite would stop there. */
function unfitIn({ input }: Scenario, { input: taken }: Pick<YamlOptions, "input">): Stranger | undefined {
  const fault = taken?.safeParse(input).error;
  if (!fault) return undefined;
  const { path, reason } = firstFault(fault);
  return { path: ["input", ...path.map(String)], reason };
}

/** What a YAML file may name, where the team can be had without a server. */
function knownTo({ offline, tools }: Base): Pick<YamlOptions, "agents" | "tools" | "input"> {
  const team = offline?.();
  if (!team) return { tools: Object.keys(tools) };
  const input = team.agents.get(team.entry)?.input;
  return {
    agents: [...agentsIn(team).keys()],
    tools: [...team.tools.keys()],
    ...(input ? { input } : {}),
  };
}
