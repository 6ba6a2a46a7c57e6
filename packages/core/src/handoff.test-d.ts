// Claims about the edges of a supervisor, checked by the compiler.
import { z } from "zod";
import { defineAgent } from "./agent.ts";
import {
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  inputOf,
  optional,
  outputOf,
} from "./handoff.ts";
import { defineThreshold } from "./threshold.ts";
import { read, write } from "./tool.test-d.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;
const common = { description: "", instructions: "", tools: [] } as const;

const triage = defineAgent({
  ...common,
  name: "triage",
  model: "fast",
  input: z.object({ text: z.string() }),
  output: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("question"), query: z.string() }),
    z.object({ kind: z.literal("refund"), orderId: z.string(), cents: z.int() }),
  ]),
});
const action = defineAgent({
  ...common,
  name: "action",
  model: "careful",
  input: z.object({ orderId: z.string(), cents: z.int() }),
  output: z.object({ refundId: z.string() }),
});
const closing = defineAgent({
  ...common,
  name: "closing",
  model: "fast",
  input: z.object({ refundId: z.string(), asked: z.string() }),
  output: z.object({ reply: z.string() }),
});

// A guard that narrows narrows what `map` receives.
const edge = defineHandoff({
  from: triage,
  to: action,
  when: (output) => output.kind === "refund",
  map: (output) => {
    claim<Equal<typeof output, { kind: "refund"; orderId: string; cents: number }>>();
    return { orderId: output.orderId, cents: output.cents };
  },
});
claim<Equal<(typeof edge)["from"], "triage">>();
claim<Equal<(typeof edge)["to"], "action">>();

defineHandoff({
  from: triage,
  to: action,
  when: (output) => output.kind === "refund",
  // @ts-expect-error a field that the receiver needs is missing
  map: ({ orderId }) => ({ orderId }),
});
defineHandoff({
  from: triage,
  to: action,
  // @ts-expect-error without a guard the other kind is still possible
  map: ({ orderId, cents }) => ({ orderId, cents }),
});
defineHandoff({
  from: triage,
  to: action,
  when: (output) => output.kind === "refund",
  // @ts-expect-error a field has another type
  map: ({ orderId, cents }) => ({ orderId, cents: String(cents) }),
});

// Sources are typed by the names that `with` gives them.
defineHandoff({
  from: action,
  to: closing,
  with: { request: inputOf(triage), kind: outputOf(triage), earlier: optional(outputOf(closing)) },
  map: ({ refundId }, { request, kind, earlier }) => {
    claim<Equal<typeof request, { text: string }>>();
    claim<Equal<(typeof kind)["kind"], "question" | "refund">>();
    claim<Equal<typeof earlier, { reply: string } | undefined>>();
    return { refundId, asked: request.text };
  },
});
defineHandoff({
  from: action,
  to: closing,
  with: { request: inputOf(triage) },
  // @ts-expect-error a source that was not declared is not there
  map: ({ refundId }, { verdict }) => ({ refundId, asked: verdict }),
});

// A join receives the branches' typed results by their keys.
defineParallel({
  from: triage,
  branches: {
    money: { to: action, map: () => ({ orderId: "1", cents: 1 }) },
    words: { to: closing, map: () => ({ refundId: "", asked: "" }) },
  },
  join: {
    to: closing,
    map: ({ money, words }) => {
      claim<Equal<typeof money, { refundId: string }>>();
      return { refundId: money.refundId, asked: words.reply };
    },
  },
});
defineParallel({
  from: triage,
  branches: {
    // @ts-expect-error a branch keeps its agent's contract
    money: { to: action, map: () => ({ orderId: "1" }) },
  },
  join: { to: closing, map: ({ money }) => ({ refundId: money.refundId, asked: "" }) },
});
defineParallel({
  from: triage,
  branches: { money: { to: action, map: () => ({ orderId: "1", cents: 1 }) } },
  // @ts-expect-error there is no such branch
  join: { to: closing, map: ({ words }) => ({ refundId: words.reply, asked: "" }) },
});

// An answer has the type of its schema, text when there is none.
defineQuestion({
  from: triage,
  of: "customer",
  ask: () => "?",
  to: triage,
  map: (answer) => ({ text: answer.trim() }),
});
defineQuestion({
  from: triage,
  of: "operator",
  answer: z.object({ cents: z.int() }),
  ask: (output) => output.kind,
  to: action,
  map: ({ cents }) => ({ orderId: "1", cents }),
});
defineQuestion({
  from: triage,
  of: "operator",
  answer: z.object({ cents: z.int() }),
  ask: () => "?",
  to: action,
  // @ts-expect-error the answer has no such member
  map: ({ amount }) => ({ orderId: "1", cents: amount }),
});

defineEscalation({
  from: action,
  reason: "r",
  when: ({ refundId }) => refundId === "",
  packet: ({ refundId }) => ({ refundId }),
});
// @ts-expect-error the output has no such member
defineEscalation({ from: action, reason: "r", when: ({ orderId }) => orderId === "" });
// @ts-expect-error a confidence is a number
defineThreshold({ agent: action, atLeast: 0.5, read: ({ refundId }) => refundId });

// A grant names tools that the receiver has.
const armed = defineAgent({
  ...common,
  name: "armed",
  model: "fast",
  tools: [read, write],
  input: z.object({ refundId: z.string() }),
  output: z.object({}),
});
defineHandoff({ from: action, to: armed, grant: { tools: ["read_it"] }, map: (output) => output });
defineHandoff({ from: action, to: armed, grant: { effects: "read" }, map: (output) => output });
// @ts-expect-error the receiver has no such tool
defineHandoff({ from: action, to: armed, grant: { tools: ["drop_it"] }, map: (output) => output });
