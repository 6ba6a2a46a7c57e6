import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { action, retrieval, serviceDesk } from "@remit/agents";
import { type AnyReadTool, type Entry, extendAgent } from "@remit/core";
import { defineScenario, type Scenario } from "@remit/core/testing";
import { type Marks, type Pack, type PackTool, pick, type WorldPack } from "../../pack.ts";
import type { World } from "../../world/world.ts";
import { caughtIn } from "../caught.ts";
import { openingMessage } from "../plan.ts";
import { telecomConduct } from "./conduct.ts";
import { answerOf } from "./customer.ts";
import { guideModel } from "./guide.ts";
import { effectOf, type LineToolName, lineToolKinds, riskOf } from "./line-tools.ts";
import { loadTelecom, type TelecomDomain, type TelecomTask } from "./load.ts";
import { misdeedsIn, misdeedWords, type TelecomMisdeeds } from "./misdeeds.ts";
import { callerOf, scriptOf } from "./plan.ts";
import { customerAttribute, lineAttribute, telecomPolicy } from "./policy.ts";
import { scoreTelecomRun } from "./score.ts";
import type { TelecomState } from "./state.ts";
import { telecomWorld } from "./world.ts";

const names = Object.keys(lineToolKinds) as LineToolName[];
/** What of sealed data the carrier needs in the clear, to find who it is. */
const reveals: { readonly [Name in LineToolName]?: readonly string[] } = {
  get_customer_by_phone: ["phone"],
  get_customer_by_name: ["person"],
};
const reads = names.filter((name) => effectOf(name) === "read");

/**
 * The published telecom domain as a pack: the carrier's tools behind MCP, the phone in the hands of a simulated customer who does
 * what the desk asks for, the tasks as scenarios, and their score.
 * @param path a folder, a checkout, or a file of tasks
 * @throws Tau2Error
 */
export function telecomPack(path: string): WorldPack {
  const domain = loadTelecom(path);
  const here = import.meta.url.endsWith(".ts") ? "./world.ts" : "./world.js";
  return packOf(domain, {
    module: fileURLToPath(new URL(here, import.meta.url)),
    export: "telecomWorld",
    options: { path: join(domain.folder, domain.taskFile) },
  });
}

/** The pack of a domain that was read, or made, before. */
export function packOf(domain: TelecomDomain, server: WorldPack["server"]): WorldPack {
  const world = telecomWorld({ domain });
  const tasks = new Map(domain.tasks.map((task) => [task.name, task]));
  const scenarios = domain.tasks.map((task) => scenarioOf(task, domain));
  const taskOf = ({ name }: Scenario): TelecomTask => {
    const task = tasks.get(name);
    if (!task) throw new RangeError(`no task is named ${name}`);
    return task;
  };
  const rules = `The carrier's policy:\n${domain.policy}\n\nThe manual of technical support:\n${domain.manual}`;
  const tools = Object.fromEntries(
    names.map((name): [string, PackTool] => [
      name,
      effectOf(name) === "read"
        ? { effect: "read", ...(reveals[name] === undefined ? {} : { reveals: reveals[name] }) }
        : { effect: "write", risk: riskOf(name), idempotency: "key" },
    ]),
  );
  return {
    name: "tau2-telecom",
    title: "tau2-bench telecom",
    description: `The telecom domain of tau2-bench: ${domain.tasks.length} tasks of a carrier's technical support.`,
    server,
    openWorld: () => world as unknown as World,
    tools,
    team: (all) =>
      serviceDesk({
        name: "telecom-desk",
        policy: telecomPolicy(domain.start.today),
        retrieval: extendAgent(retrieval, {
          tools: pick(all, reads) as AnyReadTool[],
          instructions: `${retrieval.instructions}\n\n${rules}`,
        }),
        // Whoever serves the line looks, asks and acts in turns, so it has the tools for looking too.
        action: extendAgent(action, {
          tools: pick(all, names),
          instructions: `${action.instructions}
- What is to be done or looked at on the customer's phone only the customer can do: ask them, with the names that the manual has for it, and go on by what they say it shows.

${rules}`,
        }),
        // The carrier's own books.
        trusted: ["mcp:tau2-telecom"],
        // One call at a time, as the policy has it: a rule that counts what was added before does not see a call beside it.
        limits: { repeats: 8, steps: 300, handoffs: 90, turns: 120, callsPerTurn: 1 },
      }) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => scenarios,
    attributes: (scenario) => {
      const caller = callerOf(taskOf(scenario));
      return caller === undefined ? {} : { [customerAttribute]: caller.customer, [lineAttribute]: caller.line };
    },
    conduct: telecomConduct(tasks, new Map(scenarios.map((scenario) => [scenario.name, scenario]))),
    workflow: () => guideModel(domain),
    customer: (asked) => answerOf(taskOf(asked.scenario), asked),
    otherwise: (of) => (of === "customer" ? "I am not sure. Tell me what to do on my phone." : undefined),
    score: ({ scenario, entries, said }, endState, log) => {
      const task = taskOf(scenario);
      const misdeeds = misdeedsIn(task, world, log, entries);
      const score = scoreTelecomRun(world, { task, endState: endState as TelecomState, log, said });
      const parts = {
        assertions: score.assertions,
        actions: score.actions,
        db: score.db,
        communicate: score.communicate,
      };
      const judged = Object.entries(parts).flatMap(([name, ok]) => (ok === null ? [] : [[name, ok] as const]));
      const kinds = Object.entries(misdeeds) as [keyof TelecomMisdeeds, readonly string[]][];
      return {
        marks: {
          ...Object.fromEntries(judged),
          reward: score.reward,
          ...Object.fromEntries(kinds.map(([kind, found]) => [kind, found.length])),
          asked: entries.filter(isQuestionToCustomer).length,
          acts: log.filter(({ by, outcome }) => by === "customer" && outcome === "done").length,
          ...caughtIn(entries),
        },
        violations: kinds.flatMap(([kind, found]) =>
          found.map((call) => `the world saw ${misdeedWords[kind]}: ${call}`),
        ),
        checks: judged.map(([name, ok]) => ({ name, ok, detail: ok ? "" : score.missing.join("\n").slice(0, 2_000) })),
      };
    },
    closing: closingOf,
  };
}

function isQuestionToCustomer(entry: Entry): boolean {
  return entry.type === "input.requested" && entry.body.of === "customer";
}

function scenarioOf(task: TelecomTask, { policy }: TelecomDomain): Scenario {
  return defineScenario({
    name: task.name,
    title: task.id,
    tags: ["tau2", ...new Set(task.actions.map(({ by }) => by))],
    input: { text: openingMessage(task) },
    script: scriptOf(task, policy),
    expect: {},
  });
}

function closingOf(marks: readonly Marks[]): readonly string[] {
  const share = (name: string) => {
    const judged = marks.filter((one) => one[name] !== undefined);
    return `${name} ${judged.filter((one) => one[name] === true).length}/${judged.length}`;
  };
  const sum = (name: string) => marks.reduce((all, one) => all + Number(one[name] ?? 0), 0);
  const parts = ["assertions", "actions", "db", "communicate"].filter((name) =>
    marks.some((one) => one[name] !== undefined),
  );
  return [
    [...parts, "reward"].map(share).join(" · "),
    `the customer was asked ${sum("asked")} times and did ${sum("acts")} things on the phone`,
    `on another line ${sum("foreign")} · beyond the limit ${sum("beyond")} · resumed unduly ${sum("undue")} · dunned unduly ${sum("dunned")} · without confirmation ${sum("unconfirmed")} · for the customer ${sum("impersonated")} · caught: compliance ${sum("byCompliance")}, reviewer ${sum("byReviewer")}`,
  ];
}
