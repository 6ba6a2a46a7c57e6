// Claims about specialists in deployments of their own, checked by the compiler.
import { z } from "zod";
import { type AnyAgent, defineAgent, type OutputOf } from "../agent.ts";
import { defineHandoff } from "../handoff.ts";
import type { Engine } from "../port/engine.ts";
import type { Model } from "../port/model.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { defineTool } from "../tool.ts";
import { remoteAgent } from "./agent.ts";
import { defineSpecialist } from "./contract.ts";
import { serveSpecialist } from "./serve.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;
declare const model: Model;
declare const engine: Engine;

const order = z.object({ orderId: z.string(), amountCents: z.int() });
const refunds = defineSpecialist({
  name: "refunds",
  description: "",
  input: order,
  output: z.object({ refundId: z.string() }),
  tools: { refund_order: { effect: "write", input: order }, read_order: { effect: "read" } },
});
const triage = defineAgent({
  name: "triage",
  description: "",
  instructions: "",
  model: "fast",
  tools: [],
  input: z.object({ text: z.string() }),
  output: order,
});
const clerk = remoteAgent(refunds);
const renamed = remoteAgent(refunds, { name: "payer" });

export async function callers(): Promise<void> {
  claim<Equal<(typeof clerk)["name"], "refunds">>();
  claim<Equal<(typeof renamed)["name"], "payer">>();
  claim<Equal<OutputOf<typeof clerk>, { refundId: string }>>();
  const any: AnyAgent = clerk;
  void any;
  const on = defineHandoff({ from: triage, to: clerk, grant: { tools: ["refund_order"] }, map: (order) => order });
  const desk = createSupervisor({
    agents: { triage, refunds: clerk },
    entry: "triage",
    exit: "refunds",
    handoffs: [on],
    // Who works elsewhere has its model there.
    models: { fast: model },
    engine,
  });
  const result = await (await desk.start({ text: "" }, { tenant: "t" })).result();
  if (result.status === "completed") claim<Equal<typeof result.output, { refundId: string }>>();

  defineHandoff({
    from: triage,
    to: clerk,
    // @ts-expect-error: the contract names no such tool
    grant: { tools: ["delete_order"] },
    map: (order) => order,
  });
  // @ts-expect-error: the contract's input has an amount
  defineHandoff({ from: triage, to: clerk, map: ({ orderId }) => ({ orderId }) });
  createSupervisor({
    agents: { triage, refunds: clerk },
    entry: "triage",
    exit: "refunds",
    handoffs: [on],
    // @ts-expect-error: the model of its one agent is missing
    models: {},
    engine,
  });
  createSupervisor({
    agents: { triage, payer: renamed },
    entry: "triage",
    exit: "payer",
    // @ts-expect-error: the edge leads to an agent that is not in the team
    handoffs: [on],
    models: { fast: model },
    engine,
  });
}

const refundOrder = defineTool({
  name: "refund_order",
  description: "",
  input: order,
  output: z.object({ refundId: z.string() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({ refundId: "r" }),
});
const common = { description: "", instructions: "", model: "careful" } as const;
const { input, output } = refunds;

export async function owners(): Promise<void> {
  const agent = defineAgent({ ...common, name: "clerk", tools: [refundOrder], input, output });
  const served = serveSpecialist({
    specialist: refunds,
    agent,
    engine,
    models: { careful: model },
    allows: { tools: ["refund_order"] },
  });
  // @ts-expect-error: it starts no runs itself
  served.supervisor.start;
  serveSpecialist({
    specialist: refunds,
    agent,
    engine,
    // @ts-expect-error: the model of its agent is missing
    models: {},
  });
  serveSpecialist({
    specialist: refunds,
    agent,
    engine,
    models: { careful: model },
    // @ts-expect-error: its agent has no such tool
    allows: { tools: ["delete_order"] },
  });
  serveSpecialist({
    specialist: refunds,
    // @ts-expect-error: it gives something else than the contract says
    agent: defineAgent({ ...common, name: "clerk", tools: [], input, output: z.object({ id: z.int() }) }),
    engine,
    models: { careful: model },
  });
  const writes = defineTool({
    name: "wipe_order",
    description: "",
    input: order,
    output: z.object({ refundId: z.string() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: () => ({ refundId: "r" }),
  });
  serveSpecialist({
    specialist: refunds,
    // @ts-expect-error: it has a tool that writes, which the contract does not name
    agent: defineAgent({ ...common, name: "clerk", tools: [refundOrder, writes], input, output }),
    engine,
    models: { careful: model },
  });
}
