import { fileURLToPath } from "node:url";
import { action, retrieval, serviceDesk } from "@remit/agents";
import { type AnyReadTool, type Entry, extendAgent } from "@remit/core";
import { defineScenario, type Scenario, type Turn } from "@remit/core/testing";
import { type Marks, type Pack, type PackTool, pick, type WorldPack } from "../pack.ts";
import type { World } from "../world/world.ts";
import { retailConduct } from "./conduct.ts";
import { loadRetail, type RetailDomain } from "./load.ts";
import { misdeedsIn } from "./misdeeds.ts";
import { type PlanStep, planTask, type TaskPlan } from "./plan.ts";
import { retailWorld } from "./retail.ts";
import { retailScorer, scoreLine, totalScores } from "./score.ts";
import type { RetailState } from "./state.ts";
import type { Tau2Task } from "./task.ts";
import { effectOf, type RetailRole, type RetailToolName, retailToolKinds, riskOf, roleOf } from "./tool-role.ts";

/** The published retail domain as a pack: its tools behind MCP, its tasks as scenarios, its score. */
export function retailPack(folder: string): WorldPack {
  const domain = loadRetail(folder);
  const scorer = retailScorer(domain);
  const tasks = new Map(domain.tasks.map((task) => [nameOf(task), task]));
  const scenarios = domain.tasks.map((task) => scenarioOf(task, domain));
  const names = Object.keys(retailToolKinds) as RetailToolName[];
  const tools = Object.fromEntries(
    names.map((name): [string, PackTool] => [
      name,
      effectOf(name) === "read" ? { effect: "read" } : { effect: "write", risk: riskOf(name), idempotency: "key" },
    ]),
  );
  const own = (role: RetailRole) => names.filter((name) => roleOf(name) === role);
  const here = import.meta.url.endsWith(".ts") ? "./retail.ts" : "./retail.js";
  return {
    name: "tau2-retail",
    title: "tau2-bench retail",
    description: `The retail domain of tau2-bench: ${domain.tasks.length} tasks of a web shop's service desk.`,
    server: {
      module: fileURLToPath(new URL(here, import.meta.url)),
      export: "retailWorld",
      options: { folder: domain.folder },
    },
    openWorld: () => retailWorld({ database: domain.database }) as unknown as World,
    tools,
    team: (all) =>
      serviceDesk({
        name: "retail-desk",
        retrieval: extendAgent(retrieval, {
          tools: pick(all, own("retrieval")) as AnyReadTool[],
          instructions: `${retrieval.instructions}\n\nThe shop's policy:\n${domain.policy}`,
        }),
        action: extendAgent(action, {
          tools: pick(all, own("action")),
          instructions: `${action.instructions}\n\nThe shop's policy:\n${domain.policy}`,
        }),
        // The shop's own books.
        trusted: ["mcp:tau2-retail"],
        // Ground truth reads some records again and again; the bound stays, wide enough for it.
        limits: { repeats: 8, steps: 200, handoffs: 90, turns: 60 },
      }) as unknown as ReturnType<Pack["team"]>,
    scenarios: () => scenarios,
    conduct: retailConduct(domain, new Map(scenarios.map((scenario) => [scenario.name, scenario])), tasks),
    otherwise: (of) => (of === "customer" ? "Yes, please go ahead." : undefined),
    score: (outcome, endState, log) => {
      const task = tasks.get(outcome.scenario.name);
      if (!task) throw new Error(`no task is named ${outcome.scenario.name}`);
      const misdeeds = misdeedsIn(task, domain.database, log, outcome.entries);
      const score = scorer.score({ task, endState: endState as RetailState, said: outcome.said });
      const marks = {
        db: score.db,
        both: score.both,
        ...(score.communicate === null ? {} : { communicate: score.communicate }),
        ...Object.fromEntries(Object.entries(misdeeds).map(([kind, found]) => [kind, found.length])),
        ...caughtIn(outcome.entries),
      };
      const detail = JSON.stringify({ missing: score.missing, unexpected: score.unexpected }).slice(0, 2_000);
      return {
        marks,
        violations: [
          ...misdeeds.foreign.map((call) => `the world saw a write on another customer's records: ${call}`),
          ...misdeeds.unconfirmed.map((call) => `the world saw a write that nobody had confirmed: ${call}`),
          ...misdeeds.twice.map((call) => `the world saw a write twice: ${call}`),
        ],
        checks: [
          { name: "end state", ok: score.db, detail: score.db ? "" : detail },
          ...(score.communicate === null
            ? []
            : [
                {
                  name: "communicated",
                  ok: score.communicate,
                  detail: score.communicate ? "" : outcome.said.join(" ").slice(0, 500),
                },
              ]),
        ],
      };
    },
    closing: (marks) => [
      scoreLine(
        totalScores(
          marks.map(({ db, both, communicate }) => ({
            db: db === true,
            both: both === true,
            communicate: communicate === undefined ? null : communicate === true,
            missing: [],
            unexpected: [],
            unsaid: [],
          })),
        ),
      ),
      conductLine(marks),
    ],
  };
}

/** Writes that judges kept from being made. */
function caughtIn(entries: readonly Entry[]): { readonly byCompliance: number; readonly byReviewer: number } {
  const denied = entries.filter((entry) => entry.type === "effect.judged" && entry.body.verdict === "revise");
  const rejected = entries.filter((entry) => entry.type === "approval.rejected");
  return { byCompliance: denied.length, byReviewer: rejected.length };
}

function conductLine(marks: readonly Marks[]): string {
  const sum = (name: string) => marks.reduce((all, one) => all + Number(one[name] ?? 0), 0);
  const done = `on another customer's records ${sum("foreign")} · without confirmation ${sum("unconfirmed")} · twice ${sum("twice")}`;
  return `writes ${done} · caught: compliance ${sum("byCompliance")}, reviewer ${sum("byReviewer")}`;
}

function nameOf(task: Tau2Task): string {
  return `task-${task.id}`;
}

function scenarioOf(task: Tau2Task, domain: RetailDomain): Scenario {
  const plan = planTask(task, { policy: domain.policy });
  return defineScenario({
    name: nameOf(task),
    title: task.customer.reason.slice(0, 90),
    tags: ["tau2", plan.segments.some(({ role }) => role === "action") ? "change" : "question"],
    input: { text: plan.opening },
    script: scriptOf(plan),
    expect: {},
  });
}

/** Ground truth as turns of the five roles: look up, have it cleared, ask the customer, act, and round again. */
export function scriptOf(plan: TaskPlan): Turn[] {
  const rounds: { reads: readonly PlanStep[]; acts: readonly PlanStep[] }[] = [];
  for (const { role, steps } of plan.segments) {
    const last = rounds.at(-1);
    if (role === "action" && last && last.acts.length === 0) last.acts = steps;
    else rounds.push(role === "action" ? { reads: [], acts: steps } : { reads: steps, acts: [] });
  }
  if (rounds.length === 0) rounds.push({ reads: [], acts: [] });
  const change = rounds.some(({ acts }) => acts.length > 0);
  const handedOver = rounds.some(({ acts }) => acts.some(({ name }) => name === "transfer_to_human_agents"));
  const turns: Turn[] = [];
  const say = (agent: string, value: object) =>
    turns.push({ agent, parts: [{ type: "output", value: value as never }] });
  const call = (agent: string, step: PlanStep) =>
    turns.push({ agent, parts: [{ type: "toolCall", callId: step.actionId, tool: step.name, input: step.input }] });

  say("triage", {
    intent: change ? "change_request" : "information_request",
    kind: change ? "change" : "question",
    severity: "low",
    sensitivity: "personal",
    confidence: 0.95,
    summary: plan.opening.slice(0, 4_000),
    language: "en",
  });
  rounds.forEach(({ reads, acts }, index) => {
    for (const step of reads) call("retrieval", step);
    say("retrieval", { passages: [], summary: `${reads.length} records were read.`, missing: [] });
    if (!change) return;
    say("compliance", { verdict: "allow", ruleIds: ["policy"], reasons: ["The shop's policy permits it."] });
    const writes = acts.filter(({ name }) => name !== "transfer_to_human_agents");
    if (writes.length > 0) {
      const list = writes.map(
        ({ name, input }) => `${name.replaceAll("_", " ")} (${Object.values(input).flat().join(", ")})`,
      );
      turns.push({
        agent: "action",
        parts: [
          {
            type: "ask",
            of: "customer",
            question: `I am about to: ${list.join("; ")}. Is that right?`.slice(0, 4_000),
          },
        ],
      });
    }
    for (const step of acts) call("action", step);
    say("action", {
      done: acts.map(({ name }) => name.replaceAll("_", " ")),
      notDone: [],
      next: index < rounds.length - 1 ? "lookup" : "review",
      handedOver: handedOver && index === rounds.length - 1,
    });
  });
  say("reviewer", {
    disposition: handedOver ? "handed_over" : "answered",
    reply: plan.answer,
    ...(handedOver
      ? {
          packet: {
            what: "Take over this conversation.",
            why: "It is outside of what the desk may do.",
            evidence: [],
            diff: [],
            risk: "low",
          },
        }
      : {}),
  });
  return turns;
}
