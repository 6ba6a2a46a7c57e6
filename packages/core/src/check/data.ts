import { isClearedFor } from "../label/flow.ts";
import { isForeign, isSensitive } from "../label/label.ts";
import { planToolName } from "../label/plan.ts";
import { detection } from "../seal/detector.ts";
import type { AnyTool } from "../tool.ts";
import { type Ground, isExit, leaving, reachedFrom, wayTo } from "./ground.ts";
import type { CheckOptions, Note, Rule } from "./rule.ts";

/** Where data of a class can come to, and rules of flows that say nothing. */
export const checkData: Rule = (ground, note, options) => {
  checkClasses(ground, note);
  checkPlans(ground, note);
  checkRules(ground, note);
  checkSealed(ground, note, options);
  checkOutside(ground, note, [...ground.root.trusted, ...(options.trusted ?? [])]);
};

/** Ways from what is of a class to what is not cleared for it. Whatever an agent has read may be in what follows. */
function checkClasses(ground: Ground, note: Note): void {
  const { agents, root } = ground;
  /** By class: the agents that read it, and by which tool. */
  const sources = new Map<string, Map<string, string>>();
  for (const { agent } of agents.values()) {
    for (const { name, labels } of agent.tools) {
      for (const label of labels) {
        if (!isSensitive(label)) continue;
        const readers = sources.get(label) ?? new Map<string, string>();
        sources.set(label, readers);
        if (!readers.has(agent.name)) readers.set(agent.name, name);
      }
    }
  }
  for (const [label, readers] of sources) {
    const reached = reachedFrom(ground, readers.keys());
    const way = (to: string) => {
      const names = wayTo(reached, to);
      const source = readers.get(names[0] as string) ?? "";
      return { source, path: [source, ...names] };
    };
    for (const { agent, team } of agents.values()) {
      for (const tool of reached.has(agent.name) ? agent.tools : []) {
        ground.visited.tools++;
        if (tool.cleared === undefined || isClearedFor(tool, label)) continue;
        const { source, path } = way(agent.name);
        note("check/class-to-sink", [...path, tool.name], { tool: tool.name, label, source });
      }
      const { cleared } = root;
      if (cleared === undefined || team.definition !== root || !isExit(team, agent.name)) continue;
      // What a team answers was read inside of it.
      if (isClearedFor({ cleared }, label) || !reached.has(leaving(agent))) continue;
      const { source, path } = way(leaving(agent));
      note("check/class-to-answer", [...path, "answer"], { label, source });
    }
  }
}

/** Plans announce writes. */
function checkPlans({ agents }: Ground, note: Note): void {
  for (const { agent, path } of agents.values()) {
    if (!agent.tools.some(({ name }) => name === planToolName)) continue;
    if (agent.tools.some(({ effect }) => effect === "write")) continue;
    note("check/plan-idle", [...path, planToolName], { agent: agent.name });
  }
}

/** Rules that can never apply. A name that nobody has was refused when the supervisor was made. */
function checkRules({ root }: Ground, note: Note): void {
  root.flows.accept?.forEach(({ tool, argument }, index) => {
    const rule = `accept/${index}`;
    if (root.tools.get(tool)?.protect.includes(argument) !== false) return;
    note("check/rule-idle", [root.name, "flows", rule], { rule, why: `${tool} does not protect ${argument}` });
  });
  root.flows.exempt?.forEach(({ tool }, index) => {
    const rule = `exempt/${index}`;
    if (root.tools.get(tool)?.effect !== "read") return;
    note("check/rule-idle", [root.name, "flows", rule], { rule, why: `${tool} only reads, and needs no plan` });
  });
}

/** Values of the operator's own that runs only know as tokens: they equal nothing that is read. */
function checkSealed({ root }: Ground, note: Note, { seal }: CheckOptions): void {
  if (seal === undefined || seal === "mask") return;
  const { detectors = [], classes = {} } = seal;
  const look = detection(detectors);
  for (const [domain, values] of Object.entries(root.flows.values ?? {})) {
    const found = new Set(
      values.flatMap((value) => (typeof value === "string" ? look.find(value) : [])).map((one) => one.class),
    );
    for (const kind of found) {
      const action = Object.hasOwn(classes, kind) ? classes[kind] : classes["*"];
      if (action === "keep") continue;
      note("check/value-sealed", [root.name, "flows", "values", domain], { domain, class: kind });
    }
  }
}

/** Names of arguments that say where something goes. */
const whither =
  /^(?:url|uri|to|cc|bcc|recipients?|e?mails?|email_?address|iban|webhook(?:_?url)?|callback(?:_?url)?)$/i;

/** Writes of servers of other people that send something somewhere, whoever said where. */
function checkOutside({ agents, root }: Ground, note: Note, trusted: readonly string[]): void {
  const paths = new Map<string, readonly string[]>();
  for (const { agent, path } of agents.values())
    for (const { name } of agent.tools) if (!paths.has(name)) paths.set(name, path);
  for (const tool of root.tools.values()) {
    if (tool.effect !== "write" || !isOutside(tool, trusted)) continue;
    const names = Object.keys((tool.inputSchema.properties as object | undefined) ?? {});
    const open = names.filter((name) => whither.test(name) && !tool.protect.includes(name));
    if (open.length === 0) continue;
    const path = paths.get(tool.name) ?? [root.name];
    note("check/protect-missing", [...path, tool.name], { tool: tool.name, arguments: open.join(", ") });
  }
}

function isOutside({ labels }: AnyTool, trusted: readonly string[]): boolean {
  return labels.some((label) => label.startsWith("mcp:") && isForeign(label, trusted));
}
