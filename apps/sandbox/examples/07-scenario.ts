/** A scenario: what comes in, what the models say, what people answer, what must hold at the end. */
import assert from "node:assert/strict";
import { defineAgent, defineHandoff, defineSupervisor, memoryEngine } from "@remit/core";
import { answers, asks, defineScenario, replies, runScenario } from "@remit/core/testing";
import { z } from "zod";

const listen = defineAgent({
  name: "listen",
  description: "Understands a booking.",
  model: "fast",
  tools: [],
  asks: ["customer"],
  input: z.object({ text: z.string() }),
  output: z.object({ guests: z.int().positive() }),
  instructions: "How many guests? Ask if it is not said.",
});
const confirm = defineAgent({
  name: "confirm",
  description: "Confirms a booking.",
  model: "fast",
  tools: [],
  input: z.object({ guests: z.int() }),
  output: z.object({ reply: z.string() }),
  instructions: "Confirm.",
});
const bookings = defineSupervisor({
  name: "bookings",
  agents: { listen, confirm },
  entry: "listen",
  exit: "confirm",
  handoffs: [defineHandoff({ from: listen, to: confirm, map: ({ guests }) => ({ guests }) })],
});

const asksFirst = defineScenario({
  name: "asks-for-the-number",
  title: "A booking without a number of guests is asked back",
  tags: ["incomplete request"],
  supervisor: bookings,
  input: { text: "A table for tonight, please." },
  script: [
    asks(listen, "customer", "For how many?"),
    answers(listen, { guests: 4 }),
    answers(confirm, { reply: "A table for 4." }),
  ],
  external: [replies("customer", "Four of us.")],
  expect: { status: "completed", path: ["listen", "confirm"], says: ["for how many", "table for 4"], questions: 1 },
});

const { checks } = await runScenario(asksFirst, { engine: memoryEngine() });
for (const { name, ok, detail } of checks) console.log(ok ? "ok  " : "FAIL", name, detail);
assert.ok(checks.every(({ ok }) => ok));
