// @ts-check
/**
 * What `checkSupervisor` takes for a team of 50 agents and 500 tools, with every rule asked: loops, labels, grants, models,
 * approvers. Each figure is the median of 30 rounds, after 5 that warm up.
 *
 *   npm run bench:definition
 */
import { checkSupervisor, defineAgent, defineHandoff, defineSupervisor, defineTool } from "@remit/core";
import { z } from "zod";

const rounds = 30;
const text = z.object({ text: z.string() });

/** Agents in a row, each with ways on, ways back and ten tools. @param {number} count */
function teamOf(count) {
  const agents = Array.from({ length: count }, (_, index) =>
    defineAgent({
      name: `agent_${index}x`,
      description: "Works.",
      model: index % 2 === 0 ? "fast" : "careful",
      tools: Array.from({ length: 10 }, (_, tool) => {
        const common = { name: `tool_${index}x${tool}x`, description: "Does it.", input: text, output: text };
        const execute = (/** @type {{ text: string }} */ input) => input;
        return tool < 7
          ? defineTool({ ...common, effect: "read", labels: [`mcp:server_${index % 7}`, "sensitive:health"], execute })
          : defineTool({ ...common, effect: "write", risk: "high", idempotency: "key", protect: ["text"], execute });
      }),
      asks: ["customer"],
      input: text,
      output: text,
      instructions: `You work on requests with tool_${index}x1x. `.repeat(200),
    }),
  );
  const at = (/** @type {number} */ index) => /** @type {(typeof agents)[number]} */ (agents[index]);
  const handoffs = agents.flatMap((from, index) => [
    ...[2, 3].flatMap((step) =>
      index + step < count
        ? [defineHandoff({ from, to: at(index + step), when: () => true, map: (output) => output })]
        : [],
    ),
    ...(index > 0
      ? [defineHandoff({ from, to: at(index - 1), when: () => true, max: 2, map: (output) => output })]
      : []),
    ...(index + 1 < count ? [defineHandoff({ from, to: at(index + 1), map: (output) => output })] : []),
  ]);
  return defineSupervisor({
    agents: Object.fromEntries(agents.map((agent) => [agent.name, agent])),
    entry: at(0).name,
    exit: at(count - 1).name,
    handoffs,
    limits: { steps: 1_000, handoffs: 200 },
  });
}

const model = /** @type {const} */ ({
  id: "m",
  cost: "zero",
  cleared: ["sensitive"],
  generate: () => ({ parts: [] }),
});
const options = {
  models: { fast: model, careful: model },
  people: [{ id: "ann", roles: [] }],
  tenants: { acme: {} },
};
for (const count of [5, 50]) {
  const definition = teamOf(count);
  const times = [];
  let report = checkSupervisor(definition, options);
  for (let round = -5; round < rounds; round += 1) {
    const startedAt = performance.now();
    report = checkSupervisor(definition, options);
    if (round >= 0) times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const { visited, findings } = report;
  const median = times[Math.floor(rounds / 2)]?.toFixed(1);
  const range = `${times[0]?.toFixed(1)} to ${times.at(-1)?.toFixed(1)}`;
  const work = `${visited.agents} agents, ${visited.tools} looks at tools, ${visited.edges} at edges`;
  console.log(`${count} agents, ${count * 10} tools: ${median} ms (${range}), ${findings.length} findings; ${work}`);
}
