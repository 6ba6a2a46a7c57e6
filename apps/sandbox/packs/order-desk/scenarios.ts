import assert from "node:assert/strict";
import { action, compliance, retrieval, reviewer, triage } from "@remit/agents";
import { user } from "@remit/core";
import {
  answers,
  asks,
  callsAll,
  defineScenario,
  replies,
  type Scenario,
  type ScenarioOutcome,
  says,
  type Turn,
} from "@remit/core/testing";
import { orderDeskFixtures } from "./fixtures.ts";
import { orderDeskWorld } from "./world.ts";

/**
 * Scenarios in code, for what a file cannot say: turns made by a loop, and checks over the journal itself. The rest of
 * the pack's scenarios are the files in `scenarios/`.
 */
export function codedScenarios(): readonly Scenario[] {
  const fixtures = orderDeskFixtures(orderDeskWorld().initial());
  return [
    operatorDecides(fixtures),
    brokenAnswerIsMended(fixtures),
    brokenTwice(fixtures),
    lookingUpIsBounded(fixtures),
    readingWithoutEnd(fixtures),
  ];
}

type Fixtures = ReturnType<typeof orderDeskFixtures>;

const source = import.meta.url.endsWith(".ts") ? "packs/order-desk/scenarios.ts" : "packs/order-desk/scenarios.js";

/** Data says what must hold at the end; `verify` looks into the journal beside it. */
function withVerify(scenario: Scenario, verify: (outcome: ScenarioOutcome) => void): Scenario {
  return { ...scenario, verify };
}

/** A call of a tool by name: scripts stand apart from the tools, which belong to a server. */
function reads(tool: string, input: Record<string, string>): Turn {
  return callsAll(retrieval, [[tool, input]]);
}

function operatorDecides({ goodwillUsedOrder: { customer, order, ticket } }: Fixtures): Scenario {
  const scenario = defineScenario({
    name: "the-operator-decides",
    title: "What the desk may not give, the operator is asked for, and says no",
    tags: ["decline", "operator", "policy-refusal", "other-language"],
    principal: user(customer.customerId),
    source,
    input: {
      text: `Ticket ${ticket.ticketId}, from ${customer.email}:\nJe reste mécontente de ${order.orderId}. La lampe est arrivée rayée ; j'ai eu 8 EUR, ce n'est pas assez.`,
    },
    script: [
      answers(triage, {
        intent: "goodwill",
        kind: "change",
        severity: "low",
        sensitivity: "personal",
        confidence: 0.92,
        summary: `Order ${order.orderId} came with a scratch; 8.00 EUR of goodwill is not enough. From ${customer.email}.`,
        language: "fr",
        question: "",
      }),
      callsAll(retrieval, [
        ["find_customer", { email: customer.email }],
        ["get_order", { orderId: order.orderId }],
        ["search_policy", { query: "goodwill second time" }],
      ]),
      answers(retrieval, {
        passages: [],
        summary:
          "8.00 EUR of goodwill was given on 2026-03-08; a second time is for the team lead. A return is possible.",
        missing: [],
      }),
      answers(compliance, {
        verdict: "allow",
        ruleIds: ["POL-REF-01"],
        reasons: ["A second goodwill is the team lead's to give."],
        conditions: ["Ask the operator; give nothing without them."],
      }),
      asks(
        action,
        "operator",
        `Order ${order.orderId}, scratched lamp, 8.00 EUR of goodwill given on 2026-03-08. The customer wants more (POL-REF-01). More money, or not?`,
      ),
      answers(action, {
        done: [],
        notDone: ["More goodwill: the operator decided against it, and offers the return (POL-REF-01)."],
        next: "review",
        wanted: "",
        handedOver: false,
      }),
      answers(reviewer, {
        disposition: "refused",
        reply: `Nous comprenons, mais nous ne pouvons pas ajouter d'autre geste pour ${order.orderId}. Vous pouvez nous retourner la lampe jusqu'au 2026-03-31.`,
      }),
    ],
    external: [replies("operator", "No more money. Offer the return.")],
    expect: {
      status: "denied",
      reason: "refused",
      path: ["triage", "retrieval", "compliance", "action", "reviewer"],
      reads: ["find_customer", "get_order", "search_policy"],
      writes: [],
      denied: [],
      questions: 1,
      says: ["retourner la lampe"],
      // The operator's question is not for the customer's eyes.
      neverSays: ["more money"],
      changes: [],
    },
  });
  return withVerify(scenario, ({ entries }) => {
    const asked = entries.filter((entry) => entry.type === "input.requested").map(({ body }) => body.of);
    const answered = entries.filter((entry) => entry.type === "input.received").map(({ body }) => body.principal.kind);
    assert.deepEqual(asked, ["operator"]);
    assert.deepEqual(answered, ["operator"], "the operator's answer is recorded as the operator's");
  });
}

/** The turns up to compliance of a customer who asks for a return. */
function untilCompliance({ customer, order, line, ticket }: Fixtures["returnableLine"]): {
  readonly text: string;
  readonly turns: readonly Turn[];
} {
  return {
    text: `Ticket ${ticket.ticketId}, from ${customer.email}:\nThe ${line.title} from ${order.orderId} is not for me. Send me a label, store credit is fine.`,
    turns: [
      answers(triage, {
        intent: "return_items",
        kind: "change",
        severity: "low",
        sensitivity: "personal",
        confidence: 0.96,
        summary: `Return ${line.title} of ${order.orderId} for store credit. From ${customer.email}.`,
        language: "en",
        question: "",
      }),
      callsAll(retrieval, [
        ["find_customer", { email: customer.email }],
        ["get_order", { orderId: order.orderId }],
        ["search_policy", { query: "return window store credit" }],
      ]),
      answers(retrieval, {
        passages: [],
        summary: "Within the window; store credit makes the label free.",
        missing: [],
      }),
    ],
  };
}

function brokenAnswerIsMended({ returnableLine }: Fixtures): Scenario {
  const { customer, order, line } = returnableLine;
  const { text, turns } = untilCompliance(returnableLine);
  const asked = {
    customerId: customer.customerId,
    orderId: order.orderId,
    lines: [{ lineId: line.lineId, quantity: 1 }],
    reason: "changed_mind",
    refundTo: "store_credit",
  };
  const scenario = defineScenario({
    name: "a-broken-answer-is-mended",
    title: "An answer outside its contract is sent back once, and comes again right",
    tags: ["change", "return", "malformed-output"],
    principal: user(customer.customerId),
    source,
    input: { text },
    script: [
      ...turns,
      // No rule, and a verdict that does not exist: it must not reach anybody.
      says(compliance, { type: "output", value: { verdict: "probably", ruleIds: [], reasons: [] } }),
      answers(compliance, {
        verdict: "allow",
        ruleIds: ["POL-RET-01", "POL-RET-03"],
        reasons: ["Within the window."],
        conditions: [],
      }),
      asks(action, "customer", "Shall I open the return? You get 59.50 EUR store credit, and the label is free."),
      callsAll(action, [["return_items", asked]]),
      says(action, { type: "text", text: "All done, boss!" }),
      answers(action, {
        done: ["Return opened; 59.50 EUR store credit."],
        notDone: [],
        next: "review",
        wanted: "",
        handedOver: false,
      }),
      answers(reviewer, {
        disposition: "answered",
        reply: `The return from ${order.orderId} is open: 59.50 EUR store credit when the ${line.title} is back.`,
      }),
    ],
    external: [replies("customer", "Yes.")],
    expect: {
      status: "completed",
      path: ["triage", "retrieval", "compliance", "action", "reviewer"],
      reads: ["find_customer", "get_order", "search_policy"],
      writes: ["return_items"],
      denied: [],
      questions: 1,
      says: ["59.50 EUR"],
      neverSays: ["boss"],
      changes: [
        { path: "/counters/return", before: 7002, after: 7003 },
        { path: `/orders/${order.orderId}/lines/${line.lineId}/returnedQuantity`, before: 0, after: 1 },
        {
          path: "/returns/R-7002",
          after: { ...asked, returnId: "R-7002", refundCents: 5950, feeCents: 0, openedOn: "2026-03-16" },
        },
      ],
    },
  });
  return withVerify(scenario, ({ entries }) => {
    const rejected = entries.filter((entry) => entry.type === "output.rejected").map(({ body }) => body.agent);
    assert.deepEqual(rejected, ["compliance", "action"]);
  });
}

function brokenTwice({ returnableLine }: Fixtures): Scenario {
  const { text, turns } = untilCompliance(returnableLine);
  const scenario = defineScenario({
    name: "a-broken-answer-stays-broken",
    title: "An answer that stays outside its contract reaches nobody but a person",
    tags: ["hand-over", "malformed-output", "escalation"],
    principal: user(returnableLine.customer.customerId),
    source,
    input: { text: `${text} Thanks!` },
    script: [
      ...turns,
      says(compliance, { type: "text", text: "Looks fine to me." }),
      says(compliance, { type: "output", value: { verdict: "allow", ruleIds: [], reasons: [] } }),
    ],
    expect: {
      status: "escalated",
      reason: "agent_failed",
      path: ["triage", "retrieval", "compliance"],
      writes: [],
      denied: [],
      questions: 0,
      changes: [],
    },
  });
  return withVerify(scenario, ({ entries }) => {
    const [failed] = entries.filter((entry) => entry.type === "agent.failed");
    assert.equal(failed?.body.error.code, "agent/output-invalid");
  });
}

/** Rounds of `needs to know more` that the desk of this pack allows. */
const roundsMax = 4;

function lookingUpIsBounded({ lostOrder: { customer, order, ticket } }: Fixtures): Scenario {
  const rounds = Array.from({ length: roundsMax + 1 }, (_, round) => [
    reads("search_policy", { query: `lost parcel, question ${round + 1}` }),
    answers(retrieval, { passages: [], summary: `Read for question ${round + 1}.`, missing: [] }),
    answers(compliance, { verdict: "allow", ruleIds: ["POL-REF-03"], reasons: [], conditions: [] }),
    answers(action, {
      done: [],
      notDone: ["Everything: more must be known first."],
      next: "lookup",
      wanted: `What does the policy say to question ${round + 2}?`,
      handedOver: false,
    }),
  ]);
  const scenario = defineScenario({
    name: "looking-up-is-bounded",
    title: "An agent that always wants to know more is cut off after its rounds",
    tags: ["hand-over", "lookup-loop", "limits"],
    principal: user(customer.customerId),
    source,
    input: {
      text: `Ticket ${ticket.ticketId}, from ${customer.email}:\nWhat will you do about ${order.orderId}? Please do it.`,
    },
    script: [
      answers(triage, {
        intent: "lost_parcel",
        kind: "change",
        severity: "medium",
        sensitivity: "personal",
        confidence: 0.9,
        summary: `Do what is due about ${order.orderId}. From ${customer.email}.`,
        language: "en",
        question: "",
      }),
      ...rounds.flat(),
      answers(reviewer, {
        disposition: "handed_over",
        reply: "This takes longer than it should. A colleague goes on with it and writes to you.",
        packet: {
          what: `Decide what is due about ${order.orderId}.`,
          why: "The desk kept looking things up and did nothing.",
          evidence: [],
          diff: [],
          risk: "medium",
        },
      }),
    ],
    expect: {
      status: "escalated",
      reason: "handed_over",
      path: [
        "triage",
        ...Array.from({ length: roundsMax + 1 }, () => ["retrieval", "compliance", "action"]).flat(),
        "reviewer",
      ],
      reads: ["search_policy"],
      writes: [],
      denied: [],
      questions: 0,
      says: ["a colleague goes on"],
      changes: [],
    },
  });
  return withVerify(scenario, ({ entries }) => {
    const again = entries.filter((entry) => entry.type === "edge.chosen" && entry.body.edge === "needs to know more");
    assert.equal(again.length, roundsMax);
  });
}

/** Model calls and tool calls of a run that the desk of this pack allows. */
const stepsMax = 80;
const callsPerTurn = 10;

function readingWithoutEnd({ shippedOrder: { customer, ticket } }: Fixtures): Scenario {
  const turns = Array.from({ length: 8 }, (_, turn) =>
    callsAll(
      retrieval,
      Array.from({ length: callsPerTurn }, (_, index): [string, { query: string }] => [
        "search_products",
        { query: `lamp ${turn * callsPerTurn + index + 1}` },
      ]),
    ),
  );
  const scenario = defineScenario({
    name: "reading-without-end",
    title: "A run that only reads and reads ends at its limit of steps",
    tags: ["limits", "repeated-call"],
    principal: user(customer.customerId),
    source,
    input: { text: `Ticket ${ticket.ticketId}, from ${customer.email}:\nWhich of your lamps is the nicest?` },
    script: [
      answers(triage, {
        intent: "advice",
        kind: "question",
        severity: "low",
        sensitivity: "none",
        confidence: 0.8,
        summary: "Which lamp is the nicest?",
        language: "en",
        question: "",
      }),
      ...turns,
    ],
    expect: {
      status: "failed",
      reason: "limits/exceeded",
      path: ["triage", "retrieval"],
      reads: ["search_products"],
      writes: [],
      denied: [],
      questions: 0,
      changes: [],
    },
  });
  return withVerify(scenario, ({ types }) => {
    const steps = types.filter((type) => type === "model.called" || type === "tool.called").length;
    assert.equal(steps, stepsMax);
  });
}
