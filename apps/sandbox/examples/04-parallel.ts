/** Two specialists work at the same time; what they return is joined, typed by branch. */
import assert from "node:assert/strict";
import { createSupervisor, defineAgent, defineParallel, memoryEngine, user } from "@remit/core";
import { answers, scriptedModel } from "@remit/core/testing";
import { z } from "zod";

const plan = defineAgent({
  name: "plan",
  description: "Says what must be known.",
  model: "fast",
  tools: [],
  input: z.object({ city: z.string() }),
  output: z.object({ city: z.string(), day: z.iso.date() }),
  instructions: "Name the city and the day.",
});
const weather = defineAgent({
  name: "weather",
  description: "Knows the weather.",
  model: "fast",
  tools: [],
  input: z.object({ city: z.string(), day: z.string() }),
  output: z.object({ rain: z.boolean() }),
  instructions: "Say whether it rains.",
});
const events = defineAgent({
  name: "events",
  description: "Knows what is on.",
  model: "fast",
  tools: [],
  input: z.object({ city: z.string() }),
  output: z.object({ names: z.array(z.string()) }),
  instructions: "Say what is on.",
});
const advice = defineAgent({
  name: "advice",
  description: "Gives advice.",
  model: "fast",
  tools: [],
  input: z.object({ rain: z.boolean(), events: z.array(z.string()) }),
  output: z.object({ text: z.string() }),
  instructions: "Advise.",
});

const desk = createSupervisor({
  agents: { plan, weather, events, advice },
  entry: "plan",
  exit: "advice",
  handoffs: [
    defineParallel({
      from: plan,
      branches: {
        sky: { to: weather, map: ({ city, day }) => ({ city, day }) },
        town: { to: events, map: ({ city }) => ({ city }) },
      },
      join: { to: advice, map: ({ sky, town }) => ({ rain: sky.rain, events: town.names }) },
    }),
  ],
  models: {
    fast: scriptedModel([
      answers(plan, { city: "Lyon", day: "2026-05-01" }),
      answers(weather, { rain: true }),
      answers(events, { names: ["museum night"] }),
      answers(advice, { text: "Go to the museum." }),
    ]),
  },
  engine: memoryEngine(),
});

const run = await desk.start({ city: "Lyon" }, { tenant: "acme", principal: user("u_17") });
const result = await run.result();
assert.deepEqual(result.status === "completed" && result.output, { text: "Go to the museum." });
const order = (await run.entries()).flatMap((entry) => (entry.type === "handoff.delivered" ? [entry.body.agent] : []));
assert.deepEqual(order, ["plan", "weather", "events", "advice"]);
console.log(desk.toMermaid());
