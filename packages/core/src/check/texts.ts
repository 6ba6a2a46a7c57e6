import type { AnyAgent } from "../agent.ts";
import { modelsOf } from "../model/route.ts";
import { type Ground, reachedFrom } from "./ground.ts";
import type { CheckOptions, Note, Rule } from "./rule.ts";

/** Names that are taken for one another, names of nothing, and texts that say too much. */
export const checkTexts: Rule = (ground, note, options) => {
  const { root, teams, agents } = ground;
  checkNames("agent", new Set([...agents.values()].map(({ agent }) => agent.name)), root.name, note);
  checkNames("tool", root.tools.keys(), root.name, note);
  const judges = [root.judges.compliance, root.judges.reviewer].flatMap((judge) => (judge ? [judge] : []));
  const all = [
    ...[...agents.values()].map(({ agent, path }) => ({ agent, path })),
    ...judges.map((agent) => ({ agent, path: [root.name, agent.name] })),
  ];
  for (const { agent, path } of all) {
    tellSecrets(agent.instructions, `the instructions of ${agent.name}`, path, note);
    tellSecrets(agent.description, `the description of ${agent.name}`, path, note);
    checkAllowlist(agent, path, ground, note);
  }
  for (const { name, description } of root.tools.values()) {
    tellSecrets(description, `the description of ${name}`, [root.name, name], note);
  }
  checkSettings(ground, options, note);
  if (!options.versions) return;
  for (const { definition, path } of teams) {
    for (const { name, version } of definition.edges) {
      if (version === "0") note("check/version-missing", [...path, name], { owner: `the edge ${name}` });
    }
    for (const { agent, version } of definition.thresholds.values()) {
      if (version === "0") note("check/version-missing", [...path, agent], { owner: `the threshold of ${agent}` });
    }
  }
  for (const { name, version } of root.tools.values()) {
    if (version === "0") note("check/version-missing", [root.name, name], { owner: `the tool ${name}` });
  }
};

/** What is left of a name when case and separators count for nothing; then also what looks alike in many typefaces. */
const plainName = (name: string) => name.toLowerCase().replace(/[_-]/g, "");
const seenName = (name: string) =>
  plainName(name.replaceAll("I", "l").replaceAll("O", "0"))
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replace(/[1i]/g, "l")
    .replaceAll("o", "0");

function checkNames(kind: "agent" | "tool", names: Iterable<string>, root: string, note: Note): void {
  const all = [...names];
  for (const twins of groupsOf(all, plainName))
    note("check/name-case", [root, ...twins], { kind, names: twins.join(", ") });
  const distinct = [...Map.groupBy(all, plainName).values()].map(([first]) => first as string);
  for (const twins of groupsOf(distinct, seenName)) {
    note("check/name-lookalike", [root, ...twins], { kind, names: twins.join(", ") });
  }
}

function groupsOf(names: readonly string[], keyOf: (name: string) => string): string[][] {
  return [...Map.groupBy(names, keyOf).values()].filter((group) => group.length > 1).map((group) => group.sort());
}

/** Texts that are keys or hold one, by what issues them. None of these is a word, or made of words. */
const secrets: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["a private key", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ["a key of a model provider", /\bsk-(?:ant-|proj-)?(?=[A-Za-z_-]{0,40}\d)[A-Za-z0-9_-]{20,}/],
  ["a key of AWS", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["a token of GitHub", /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})/],
  ["a token of GitLab", /\bglpat-[A-Za-z0-9_-]{20,}/],
  ["a token of Slack", /\bxox[abeprs]-[A-Za-z0-9-]{10,}/],
  ["a key of Google", /\bAIza[A-Za-z0-9_-]{35}/],
  ["a key of Stripe", /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/],
  ["a signed token", /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/],
  ["a password in an address", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/:@]{3,}@/i],
  [
    "a password",
    /\b(?:password|passwd|secret|api[_-]?key|access[_-]?token)["']?\s*[:=]\s*["']?(?=[^\s"']*[0-9!#$%^&*+/=])[^\s"',;<>{}]{8,}/i,
  ],
];

function tellSecrets(text: string, where: string, path: readonly string[], note: Note): void {
  // What was found is not said again: a finding is printed and kept.
  for (const [kind, pattern] of secrets) if (pattern.test(text)) note("check/secret-in-text", path, { where, kind });
}

/** What providers take at most in one request. */
const offeredMost = 128;

function checkAllowlist(agent: AnyAgent, path: readonly string[], ground: Ground, note: Note): void {
  const { root, agents, visited } = ground;
  const { name, tools, toolSearch, instructions } = agent;
  visited.tools += tools.length;
  if (tools.length > offeredMost && !toolSearch) {
    note("check/allowlist-long", path, { agent: name, count: tools.length, bound: offeredMost });
  }
  const held = new Set(tools.map((tool) => tool.name));
  /** Of what those behind it can do an agent may well speak. */
  const isBehind = (wanted: string) =>
    [...reachedFrom(ground, [name]).keys()].some((node) =>
      agents.get(node)?.agent.tools.some((tool) => tool.name === wanted),
    );
  // Only what is written as a name: `send` may be a tool and is a word.
  for (const word of new Set(instructions.match(/\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b/g) ?? [])) {
    if (root.tools.has(word) && !held.has(word) && !isBehind(word)) {
      note("check/instructions-foreign-tool", [...path, word], { agent: name, tool: word });
    }
  }
}

/** Settings of a supervisor that name something: what does not exist is not bounded by them. */
function checkSettings({ root }: Ground, options: CheckOptions, note: Note): void {
  const { concurrency, rates, context, budgets, tenants, models } = options;
  const tell = (setting: string, names: object | undefined, isKnown: (name: string) => boolean) => {
    for (const name of Object.keys(names ?? {})) {
      if (!isKnown(name)) note("check/setting-unknown", [root.name, setting, name], { setting, name });
    }
  };
  tell("concurrency.tools", concurrency?.tools, (name) => root.tools.has(name));
  tell("context", context, (name) => root.aliases.includes(name));
  if (tenants) tell("budgets", budgets, (name) => Object.hasOwn(tenants, name));
  if (!models) return;
  const summarisers = Object.values(context ?? {}).flatMap(({ summarise }) => (summarise ? [summarise.with] : []));
  const all = [...Object.values(models), ...summarisers].flatMap(modelsOf);
  const providers = new Set(all.map(({ provider, id }) => provider ?? id));
  tell("rates", rates, (name) => providers.has(name));
  tell("concurrency.models", concurrency?.models, (name) => providers.has(name));
}
