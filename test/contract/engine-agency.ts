import {
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineSpecialist,
  defineTool,
  type Engine,
  type Grant,
  type Limits,
  type Model,
  type ResponsePart,
  remoteAgent,
  type ServedSpecialist,
  type ServeOptions,
  type Signer,
  type Supervisor,
  serveSpecialist,
  type TenantBudget,
  type ToolContext,
} from "@remit/core";
import { z } from "zod";

/** Two teams for the tests of specialists: a desk that triages, and whoever makes refunds for it, elsewhere. */

const order = z.object({ id: z.string().max(20) });
const receipt = z.object({ done: z.string() });

/** What both teams have from one package. */
export const refunds = defineSpecialist({
  name: "refunds",
  description: "Makes one refund.",
  input: order,
  output: receipt,
  tools: { pay_back: { effect: "write", input: order }, look_up: { effect: "read" } },
});

/** What reached the tools of the specialist. */
export class Bank {
  readonly calls: { readonly tool: string; readonly id: string; readonly principal: string | undefined }[] = [];
  /** Payments by idempotency key: how often each was asked for. */
  readonly paid = new Map<string, number>();
  before: (tool: string, context: ToolContext) => void | Promise<void> = () => {};
  after: (tool: string, context: ToolContext) => void | Promise<void> = () => {};
}

export interface AgencyOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly bank?: Bank;
  readonly risk?: "low" | "high";
  readonly version?: string;
  readonly labels?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly callers?: ServeOptions<typeof refunds, ReturnType<typeof clerkOf>>["callers"];
  readonly allows?: Grant<"pay_back" | "look_up">;
  readonly budgets?: { readonly [tenant: string]: TenantBudget };
  readonly tenants?: { readonly [tenant: string]: Grant };
}

function clerkOf({ bank = new Bank(), risk = "low", labels = [] }: Omit<AgencyOptions, "engine" | "model">) {
  const execute =
    (tool: string) =>
    async ({ id }: { id: string }, context: ToolContext) => {
      bank.calls.push({ tool, id, principal: context.principal });
      await bank.before(tool, context);
      const { idempotencyKey: key } = context;
      if (key !== "") bank.paid.set(key, (bank.paid.get(key) ?? 0) + 1);
      await bank.after(tool, context);
      return { done: id };
    };
  const common = { description: "Does it.", input: order, output: receipt } as const;
  const back = defineTool({
    ...common,
    name: "take_back",
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: execute("take_back"),
  });
  const pay = defineTool({
    ...common,
    name: "pay_back",
    effect: "write",
    risk,
    idempotency: "key",
    undo: { tool: back, input: ({ id }) => ({ id }) },
    execute: execute("pay_back"),
  });
  const look = defineTool({ ...common, name: "look_up", effect: "read", labels, execute: execute("look_up") });
  return defineAgent({
    name: "clerk",
    description: "Pays back.",
    model: "m",
    tools: [pay, look],
    asks: ["customer"],
    input: refunds.input,
    output: refunds.output,
    instructions: "Pay back.",
  });
}

/** The specialist's side. */
export function makeAgency(options: AgencyOptions): ServedSpecialist<{ id: string }, { done: string }> {
  const { engine, model, version, limits, callers, allows, budgets, tenants } = options;
  return serveSpecialist({
    specialist: refunds,
    agent: clerkOf(options),
    engine,
    models: { m: model },
    waitingRuns: "leave",
    ...(version === undefined ? {} : { version }),
    ...(limits === undefined ? {} : { limits }),
    ...(callers === undefined ? {} : { callers }),
    ...(allows === undefined ? {} : { allows }),
    ...(budgets === undefined ? {} : { budgets }),
    ...(tenants === undefined ? {} : { tenants }),
  });
}

export interface DeskOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly specialist?: typeof refunds;
  readonly grant?: Grant<"pay_back" | "look_up">;
  readonly limits?: Partial<Limits>;
  readonly signer?: Signer;
  readonly budget?: { readonly run?: object };
  readonly budgets?: { readonly [tenant: string]: TenantBudget };
  readonly tenants?: { readonly [tenant: string]: Grant };
  readonly onFailure?: "fail" | "escalate";
  readonly restrictionsMaxAgeMs?: number;
}

/** The caller's side. */
export function makeCaller(options: DeskOptions): Supervisor<{ text: string }, { done: string }> {
  const { engine, model, specialist = refunds, grant, limits, signer, budget, budgets, tenants } = options;
  const triage = defineAgent({
    name: "triage",
    description: "Finds the order.",
    model: "m",
    tools: [],
    input: z.object({ text: z.string() }),
    output: order,
    instructions: "Find the order.",
  });
  const clerk = remoteAgent(specialist);
  return createSupervisor({
    name: "desk",
    agents: { triage, refunds: clerk },
    entry: "triage",
    exit: "refunds",
    handoffs: [
      defineHandoff({
        from: triage,
        to: clerk,
        map: ({ id }) => ({ id }),
        ...(grant === undefined ? {} : { grant }),
      }),
    ],
    models: { m: model },
    engine,
    ...(limits === undefined ? {} : { limits }),
    ...(signer === undefined ? {} : { delegations: { signer } }),
    ...(budget === undefined ? {} : { budget }),
    ...(budgets === undefined ? {} : { budgets }),
    ...(tenants === undefined ? {} : { tenants }),
    ...(options.restrictionsMaxAgeMs === undefined ? {} : { restrictionsMaxAgeMs: options.restrictionsMaxAgeMs }),
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
}

export const finds = (id: string): readonly ResponsePart[] => [{ type: "output", value: { id } }];
export const done = (id: string): readonly ResponsePart[] => [{ type: "output", value: { done: id } }];
