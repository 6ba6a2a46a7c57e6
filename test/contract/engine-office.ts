import {
  type ApproverRegistry,
  approvalPacket,
  asAgent,
  type CacheOptions,
  type ContextBudget,
  defineAgent,
  defineHandoff,
  defineSupervisor,
  defineTool,
  type Engine,
  effectCase,
  effectVerdict,
  type Grant,
  type Limits,
  type Model,
  type ResponsePart,
  type Route,
  runSupervisor,
  type Supervisor,
  type SupervisorDefinition,
  type TenantBudget,
  type ToolContext,
  user,
} from "@remit/core";
import { z } from "zod";

/** An office for the tests of what waits: a worker with a write of each risk, ways back, judges, budgets. */

/** What reached the tools. */
export class Till {
  readonly calls: { readonly tool: string; readonly id: string; readonly path: string }[] = [];
  /** Effects by idempotency key. */
  readonly effects = new Map<string, number>();
  before: (tool: string, context: ToolContext, id: string) => void | Promise<void> = () => {};
  after: (tool: string, context: ToolContext, id: string) => void | Promise<void> = () => {};
  ids(tool: string): string[] {
    return this.calls.filter((call) => call.tool === tool).map(({ id }) => id);
  }
}

const input = z.object({ id: z.string().max(20) });
const output = z.object({ done: z.string() });
const note = z.object({ text: z.string() });

export interface OfficeOptions {
  readonly engine: Engine;
  readonly model: Model | Route;
  readonly till?: Till;
  readonly judges?: readonly ("compliance" | "reviewer")[];
  readonly approvals?: readonly {
    readonly tool: string;
    readonly by: "human" | "compliance";
    readonly quorum?: number;
    readonly roles?: readonly string[];
    readonly expiresMs?: number;
  }[];
  readonly version?: string;
  readonly limits?: Partial<Limits>;
  readonly retry?: { readonly attempts?: number; readonly backoffMs?: number; readonly backoffMsMax?: number };
  readonly keyValidForMs?: number;
  readonly tenants?: { readonly [tenant: string]: Grant };
  readonly approvers?: ApproverRegistry;
  /** Labels of what `look_up` finds. */
  readonly labels?: readonly string[];
  readonly budget?: { readonly run?: object; readonly agents?: object };
  readonly budgets?: { readonly [tenant: string]: TenantBudget };
  readonly breaker?: { readonly failuresMax?: number; readonly cooldownMs?: number };
  readonly cache?: CacheOptions;
  readonly context?: { readonly [alias: string]: ContextBudget };
  readonly restrictionsMaxAgeMs?: number;
  readonly snapshotEvery?: number;
  readonly waitingRuns?: "refuse" | "leave";
  /** Milliseconds that the hand-over to the closer waits; there is none when absent. */
  readonly afterMs?: number;
}

type OfficeParts = Pick<OfficeOptions, "till" | "retry" | "keyValidForMs" | "labels">;

export function toolsOf({ till = new Till(), retry, keyValidForMs, labels = [] }: OfficeParts) {
  const execute =
    (tool: string) =>
    async ({ id }: { id: string }, context: ToolContext) => {
      till.calls.push({ tool, id, path: context.path });
      await till.before(tool, context, id);
      const { idempotencyKey: key } = context;
      if (key !== "" && !till.effects.has(key)) till.effects.set(key, 1);
      await till.after(tool, context, id);
      return { done: id };
    };
  const common = { description: "Does it.", input, output, version: "1", ...(retry ? { retry } : {}) };
  const write = { ...common, effect: "write", idempotency: "key" } as const;
  const read = defineTool({ ...common, name: "look_up", effect: "read", labels, execute: execute("look_up") });
  const take = defineTool({ ...write, name: "take_back", risk: "low", execute: execute("take_back") });
  const restore = defineTool({ ...write, name: "restore_disk", risk: "high", execute: execute("restore_disk") });
  const back =
    (of: string) =>
    ({ id }: { id: string }) => ({ id: `${of} ${id}` });
  const send = defineTool({
    ...write,
    ...(keyValidForMs === undefined ? {} : { keyValidForMs }),
    name: "send_note",
    risk: "low",
    undo: { tool: take, input: back("un") },
    execute: execute("send_note"),
  });
  const move = defineTool({
    ...write,
    name: "move_money",
    risk: "medium",
    undo: { tool: take, input: back("un") },
    execute: execute("move_money"),
  });
  const wipe = defineTool({
    ...write,
    name: "wipe_disk",
    risk: "high",
    undo: { tool: restore, input: back("un") },
    execute: execute("wipe_disk"),
  });
  return { read, send, move, wipe, take, restore };
}

const compliance = defineAgent({
  name: "compliance",
  description: "Judges.",
  model: "m",
  tools: [],
  effects: "read",
  input: effectCase,
  output: effectVerdict,
  instructions: "Judge.",
});
const reviewer = defineAgent({
  name: "reviewer",
  description: "Prepares.",
  model: "m",
  tools: [],
  effects: "read",
  input: effectCase,
  output: approvalPacket,
  instructions: "Prepare.",
});

export function defineOffice(options: Omit<OfficeOptions, "engine" | "model">): SupervisorDefinition {
  const { read, send, move, wipe } = toolsOf(options);
  const tools = [read, send, move, wipe];
  const worker = defineAgent({
    name: "worker",
    description: "Works.",
    model: "m",
    tools,
    input: note,
    output: note,
    instructions: "Work.",
  });
  const closer = defineAgent({
    name: "closer",
    description: "Closes.",
    model: "m",
    tools: [],
    input: note,
    output: note,
    instructions: "Close.",
  });
  const { judges = [], approvals = [], afterMs, version, limits, budget } = options;
  return defineSupervisor({
    name: "office",
    ...(version === undefined ? {} : { version }),
    ...(limits === undefined ? {} : { limits }),
    ...(budget === undefined ? {} : { budget }),
    agents: { worker, ...(afterMs === undefined ? {} : { closer }) },
    entry: "worker",
    exit: afterMs === undefined ? "worker" : "closer",
    handoffs:
      afterMs === undefined
        ? []
        : [defineHandoff({ from: worker, to: closer, afterMs, map: ({ text }) => ({ text }) })],
    judges: {
      ...(judges.includes("compliance") ? { compliance } : {}),
      ...(judges.includes("reviewer") ? { reviewer } : {}),
    },
    approvals: approvals.map(({ tool, ...rule }) => ({
      ...rule,
      tool: tools.find(({ name }) => name === tool) as typeof wipe,
    })),
  } as never) as unknown as SupervisorDefinition;
}

export type Office = Supervisor<{ text: string }, { text: string }>;

export function openOffice(definition: SupervisorDefinition, options: OfficeOptions): Office {
  const { engine, model, tenants, approvers, budgets, breaker, restrictionsMaxAgeMs, snapshotEvery, waitingRuns } =
    options;
  const { cache, context } = options;
  const given = {
    tenants,
    approvers,
    budgets,
    breaker,
    cache,
    context,
    restrictionsMaxAgeMs,
    snapshotEvery,
    waitingRuns,
  };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // Some go wrong on purpose, which shows before they start.
  return runSupervisor(definition, {
    engine,
    models: { m: model },
    check: "log",
    ...said,
  } as never) as unknown as Office;
}

export function makeOffice(options: OfficeOptions): Office {
  return openOffice(defineOffice(options), options);
}

/** An office behind an agent of an office, and so on, `levels` deep; only the innermost has tools. */
export function nestOffice(definition: SupervisorDefinition, levels: number): SupervisorDefinition {
  let team = definition;
  for (let level = 1; level < levels; level++) {
    const name = `team_${level}`;
    const agent = asAgent(team as never, { name, description: "A team.", input: note, output: note });
    team = defineSupervisor({
      name: `office-${level}`,
      agents: { [name]: agent },
      entry: name,
      exit: name,
      handoffs: [],
    } as never) as unknown as SupervisorDefinition;
  }
  return team;
}

export const boss = { principal: user("boss", ["lead"]), reason: "looked at it" } as const;
export const second = { principal: user("second", ["lead"]), reason: "looked too" } as const;
export const says = (text: string): readonly ResponsePart[] => [{ type: "output", value: { text } }];
export const judges = (verdict: string, ...reasons: string[]): readonly ResponsePart[] => [
  { type: "output", value: { verdict, ruleIds: ["rule-1"], reasons } },
];
export const packs = (what: string): readonly ResponsePart[] => [
  { type: "output", value: { what, why: "risk", evidence: [], diff: [], risk: "high" } },
];
