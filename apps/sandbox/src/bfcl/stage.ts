import { action, serviceDesk } from "@remit/agents";
import {
  type AnyTool,
  canonicalJson,
  defineTool,
  type Entry,
  extendAgent,
  type Json,
  memoryEngine,
  operator,
  type Risk,
  type Run,
  runSupervisor,
  type SupervisorDefinition,
  user,
} from "@remit/core";
import { deniedIn, fakeClock } from "@remit/core/testing";
import type { DescribedFunction } from "@remit/tools";
import { z } from "zod";
import type { Conversation, FunctionCall, IrrelevantRequest } from "./load.ts";
import { type BfclModel, bfclModel, type Play, playAttribute } from "./model.ts";
import { planOf, type RunPlan } from "./plan.ts";

/** What came of one run. */
export interface RunOutcome {
  readonly status: string;
  /** Calls that ran, by turn of the run, in order. */
  readonly ran: readonly (readonly FunctionCall[])[];
  /** Calls that were denied, with the agent that asked for them and the code. */
  readonly denied: readonly { readonly agent: string; readonly tool: string; readonly code: string }[];
  /** Questions that were put to the person. */
  readonly questions: number;
  /** Calls that waited for a person's approval, and did not get it. */
  readonly approvals: number;
  readonly entries: readonly Entry[];
}

export interface ConversationOutcome {
  readonly id: string;
  readonly runs: readonly { readonly plan: RunPlan; readonly outcome: RunOutcome }[];
}

export interface Stage {
  readonly converse: (conversation: Conversation) => Promise<ConversationOutcome>;
  readonly request: (request: IrrelevantRequest) => Promise<RunOutcome>;
}

interface Recorder {
  readonly play: Play;
  readonly turns: FunctionCall[][];
}

type Desk = SupervisorDefinition<{ text: string; earlier?: readonly Said[] }, unknown, "fast" | "careful">;
interface Said {
  readonly by: "customer" | "desk";
  readonly text: string;
}

/** Rounds of the model on one answer; a bound, so that a model that asks for ever ends. */
const roundsMax = 200;
const saidMax = 50;

/**
 * Plays on a service desk whose action agent has the functions as its tools. There is nothing behind them: a stub notes
 * the call and answers that it did, so calls can be compared, and states and answers cannot.
 */
export function openStage(model: BfclModel): Stage {
  const recorders = new Map<string, Recorder>();
  const desks = new WeakMap<readonly DescribedFunction[], Desk>();
  const record = (key: string, called: FunctionCall) => recorders.get(key)?.turns.at(-1)?.push(called);
  const scripted = bfclModel({ model, plays: (key) => recorders.get(key)?.play });
  const deskOf = (functions: readonly DescribedFunction[], risk: Risk): Desk => {
    const known = desks.get(functions);
    if (known) return known;
    const desk = serviceDesk({
      name: "functions-desk",
      action: extendAgent(action, { tools: functions.map((one) => stubOf(one, risk, record)) }),
      judges: {},
      // Ground truth may make the same call as often as it likes, such as to move to a folder.
      limits: { writeRepeats: roundsMax, steps: 400, turns: roundsMax, handoffs: 60 },
    }) as unknown as Desk;
    desks.set(functions, desk);
    return desk;
  };
  let count = 0;

  const open = (functions: readonly DescribedFunction[], risk: Risk) => {
    const engine = memoryEngine({ clock: fakeClock() });
    const desk = runSupervisor(deskOf(functions, risk), {
      models: { fast: scripted, careful: scripted },
      engine,
    });
    const conversationId = `conversation-${++count}`;
    let runs = 0;
    /** @param replies what the person says to what they are asked, in order */
    const play = async (options: {
      readonly play: Play;
      readonly text: string;
      readonly earlier: readonly Said[];
      readonly tools: readonly string[];
      readonly replies: readonly string[];
    }): Promise<{ readonly outcome: RunOutcome; readonly said: readonly Said[] }> => {
      const key = `${conversationId}-${++runs}`;
      const recorder: Recorder = { play: options.play, turns: [[]] };
      recorders.set(key, recorder);
      const run = (await desk.start(
        { text: options.text, earlier: options.earlier.slice(-saidMax) },
        {
          tenant: "bench",
          principal: user("owner"),
          conversationId,
          grant: { tools: options.tools },
          attributes: { [playAttribute]: key },
        },
      )) as Run;
      const said: Said[] = [{ by: "customer", text: options.text }];
      let [approvals, questions] = [0, 0];
      while ((await run.settled()) === "parked") {
        const waiting = await run.approvals();
        for (const { address, tenant, roles, binding } of waiting) {
          approvals++;
          await desk.approvals.decide(tenant, address, {
            decision: "reject",
            reason: "nobody asked for this",
            principal: operator("approver", [...roles]),
            key: address,
            binding,
          });
        }
        if (waiting.length > 0) continue;
        const [asked] = await run.questions();
        const reply = asked && options.replies[questions];
        if (asked) {
          questions++;
          said.push({ by: "desk", text: asked.question });
        }
        if (!asked || reply === undefined) {
          await run.cancel("nobody answers any more");
          continue;
        }
        recorder.turns.push([]);
        said.push({ by: "customer", text: reply });
        await run.send(reply, { ask: asked.ask });
      }
      const result = await run.result();
      const entries = await run.entries();
      recorders.delete(key);
      const reply = result.status === "completed" ? (result.output as { readonly reply?: string }).reply : undefined;
      if (reply !== undefined) said.push({ by: "desk", text: reply });
      const outcome = {
        status: result.status,
        ran: recorder.turns,
        denied: deniedIn(entries),
        questions,
        approvals,
        entries,
      };
      return { outcome, said };
    };
    return { play, close: () => engine.close() };
  };

  return {
    converse: async (conversation) => {
      const { functions, id } = conversation;
      const desk = open(functions, "low");
      const runs: { plan: RunPlan; outcome: RunOutcome }[] = [];
      const earlier: Said[] = [];
      try {
        for (const plan of planOf(conversation)) {
          const { outcome, said } = await desk.play({
            play: { kind: "conversation", plan, functions },
            text: plan.text,
            earlier,
            tools: plan.tools,
            replies: plan.turns.slice(1).map(({ text }) => text),
          });
          runs.push({ plan, outcome });
          earlier.push(...said);
        }
      } finally {
        await desk.close();
      }
      return { id, runs };
    },
    request: async (request) => {
      const { functions, text } = request;
      // Nobody has said what these functions do, so that each call of one is worth a person's look.
      const desk = open(functions, "high");
      try {
        const tools = functions.map(({ tool }) => tool.name);
        const { outcome } = await desk.play({
          play: { kind: "request", request },
          text,
          earlier: [],
          tools,
          replies: [],
        });
        return outcome;
      } finally {
        await desk.close();
      }
    },
  };
}

function stubOf({ tool }: DescribedFunction, risk: Risk, record: (key: string, called: FunctionCall) => void): AnyTool {
  return defineTool({
    ...tool,
    output: z.json(),
    // A description does not say that a function changes nothing.
    effect: "write",
    risk,
    idempotency: "key",
    execute: (args, { attributes }) => {
      record(attributes[playAttribute] ?? "", { tool: tool.name, args });
      return { noted: true };
    },
  });
}

export function sameCalls(left: readonly FunctionCall[], right: readonly FunctionCall[]): boolean {
  return left.length === right.length && left.every((one, index) => sameCall(one, right[index]));
}

export function sameCall(left: FunctionCall, right: FunctionCall | undefined): boolean {
  return left.tool === right?.tool && canonicalJson(left.args) === canonicalJson(right.args as Json);
}
