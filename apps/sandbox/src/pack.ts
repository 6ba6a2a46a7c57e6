import type { AnyTool, Idempotency, Json, Logger, Model, Risk, SealSettings, SupervisorDefinition } from "@remit/core";
import type { ReasonWords } from "@remit/core/kpi";
import type { Check, Scenario, ScenarioOutcome } from "@remit/core/testing";
import type { McpReadConfig, McpWriteConfig } from "@remit/mcp-bridge";
import type { z } from "zod";
import { SandboxError } from "./errors.ts";
import type { Conduct } from "./model/conduct.ts";
import type { WorldChange } from "./world/changes.ts";
import type { WorldServerOptions } from "./world/launch.ts";
import type { WorldAnswer, WorldReader, WorldStore } from "./world/store.ts";
import type { World, WorldLogLine } from "./world/world.ts";

/** What we say about one tool of the world's server; the server's own annotations count for nothing. */
export type PackTool =
  | ({ readonly effect: "read" } & Pick<McpReadConfig, "labels" | "protect" | "reveals"> & PackToolExtras)
  | ({
      readonly effect: "write";
      readonly risk: Risk;
      readonly idempotency: Idempotency;
      /** The tool of the pack that undoes it, and its arguments, made of what was asked and of the world's answer. */
      readonly undo?: { readonly tool: string; readonly input: (asked: JsonRecord, answer: Json) => Json };
    } & Pick<McpWriteConfig, "labels" | "protect" | "reveals" | "reversible" | "settlesWithinMs" | "lookup"> &
      PackToolExtras);

type JsonRecord = { readonly [name: string]: Json };

interface PackToolExtras {
  /** Of a pack with a world: the world's answer, where its values have domains. */
  readonly answer?: z.ZodType;
}

/** What a pack's own scoring made of one scenario, beside the checks. Summed by name over a suite. */
export type Marks = Readonly<Record<string, boolean | number>>;

/** A domain: MCP servers with a world behind them, a team that works on it, and scenarios. */
export type Pack = WorldPack | ServersPack;

/** A pack with a world of our own making, behind our own server: every call is in its log. */
export interface WorldPack extends CommonPack {
  /** How the world's server process is started. */
  readonly server: Omit<WorldServerOptions, "dir">;
  /** The same world here, to read end states from its log. */
  readonly openWorld: () => World;
  /**
   * What the customer says to a question that the scenario has no reply for, where the customer can do something about it: the
   * world's tools of their own are at hand. Asked again after a crash, whoever acts gets the first answers again.
   */
  readonly customer?: (asked: CustomerAsked) => string | undefined;
}

export interface CustomerAsked {
  readonly scenario: Scenario;
  readonly question: string;
  /** Calls a tool of the customer's own in the run's world. @throws WorldError `world/tool-unknown`, and as a world does */
  readonly act: (tool: string, input: Json) => WorldAnswer;
  /** The world as it is now: what a person can see without a tool. */
  readonly world: () => unknown;
}

/** A pack with servers of other people, as anybody would plug them in. */
export interface ServersPack extends CommonPack {
  readonly openPlace: (options: PlaceOptions) => Promise<Place>;
  /** Scenarios at the same time that the servers can bear; as many as asked for when absent. */
  readonly concurrency?: number;
}

export interface PlaceOptions {
  /** The suite's own folder, which exists. What a place keeps there is there again when the suite goes on. */
  readonly dir: string;
  readonly logger?: Logger;
}

/** Where the scenarios of a suite are played, and what became of each one's part of it. */
export interface Place {
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly reader: PlaceReader;
  /** The same worlds in this process, where people act on them themselves. */
  readonly store?: Pick<WorldStore, "call" | "endState">;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** What became of a scenario's part of a place. */
export interface PlaceReader extends Partial<Pick<WorldReader, "log">> {
  readonly endState: (worldId: string) => unknown;
  /** What a scenario has changed; nothing where that cannot be told. */
  readonly changes: (
    worldId: string,
  ) => readonly WorldChange[] | undefined | Promise<readonly WorldChange[] | undefined>;
}

interface CommonPack {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The tools that exist for this pack; nothing else of its servers does. */
  readonly tools: Readonly<Record<string, PackTool>>;
  readonly team: (tools: ReadonlyMap<string, AnyTool>) => SupervisorDefinition;
  /** The team with nothing behind it, where it can be had without a server: to be drawn, checked and asked again. */
  readonly offline?: () => SupervisorDefinition;
  readonly scenarios: () => readonly Scenario[];
  /** What a scenario's run is started with, for the pack's policy to go by. */
  readonly attributes?: (scenario: Scenario) => Readonly<Record<string, string>>;
  /** What people of this domain answer when a scenario's own replies are used up. */
  readonly otherwise?: (of: "customer" | "operator", question: string) => string | undefined;
  /**
   * What sealing (`--seal`) has to know of the domain: which agents compare with its books and so are shown what of it, and which
   * classes its policy or guards look into. Tools say for themselves what they reveal.
   */
  readonly seal?: Pick<SealSettings, "agents" | "classes">;
  /** What scripted judges of single writes go by; they allow what they are shown when absent. */
  readonly conduct?: Conduct;
  /** A model that follows the domain's own procedure and knows nothing of the scenarios: `--model workflow`. */
  readonly workflow?: () => Model;
  /** What a write of the world has told the customer, such as the text of a mail; nothing where it tells nobody. */
  readonly tells?: (call: Pick<WorldLogLine, "tool" | "input">) => string | undefined;
  /** Why its team needed a person, by the words of its escalations; those that it does not tell are `unknown` in KPIs. */
  readonly reasons?: ReasonWords;
  /**
   * Scoring of its own, for domains that come with one. `violations` are what must not happen whatever the models say.
   * @param log what the world itself saw; empty where it keeps none
   */
  readonly score?: (
    outcome: ScenarioOutcome,
    endState: unknown,
    log: readonly WorldLogLine[],
  ) => { readonly checks: readonly Check[]; readonly marks: Marks; readonly violations?: readonly string[] };
  /** The lines that a suite of this pack ends with, in addition to the common ones. */
  readonly closing?: (marks: readonly Marks[]) => readonly string[];
}

/** Picks an agent's tools by name; a name that the pack does not have is a mistake of the pack. */
export function pick(tools: ReadonlyMap<string, AnyTool>, names: readonly string[]): AnyTool[] {
  return names.map((name) => {
    const tool = tools.get(name);
    if (!tool) throw new SandboxError("pack/tool-unknown", { pack: "this pack", tool: name });
    return tool;
  });
}
