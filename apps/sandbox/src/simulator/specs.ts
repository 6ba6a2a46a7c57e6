import { draw, drawOne } from "./random.ts";

/**
 * What the tools of a simulation are and what has to happen before each is called, drawn by seed. The team is built from
 * it, and the audit holds the journal against it: it reads no rule out of the kernel.
 */

export type ToolKind = "read" | "key" | "lookup" | "none";
export type Risk = "low" | "medium" | "high";

export interface ToolSpec {
  readonly name: string;
  readonly kind: ToolKind;
  readonly risk: Risk;
  /** What the breaker before it is shared with. */
  readonly breaker: string;
  readonly keyValidForMs: number | undefined;
  readonly settlesWithinMs: number | undefined;
  readonly retry: { readonly attempts: number; readonly backoffMs: number } | undefined;
  /** The tool that undoes it. */
  readonly undo: string | undefined;
}

/** What a write waits for. */
export interface RuleSpec {
  readonly tool: string;
  readonly tier: "none" | "compliance" | "person";
  /** What the supervisor says; nothing where the risk alone speaks. */
  readonly by: "human" | "compliance" | undefined;
  readonly quorum: number;
  readonly roles: readonly string[];
  readonly expiresMs: number;
}

const kinds = {
  read_a: "read",
  read_b: "read",
  write_key: "key",
  write_lookup: "lookup",
  write_none: "none",
  undo_it: "key",
} as const satisfies Record<string, ToolKind>;

/** Tools that agents may hold; what undoes others is nobody's. */
export const toolNames = Object.keys(kinds).filter((name) => name !== "undo_it");

/** A tool's own timeout; a late request lands long after it. */
export const toolTimeoutMs = 5_000;

/** True where no clock jumps, so that tools may promise something about time. */
export function isSteady(seed: number): boolean {
  return draw(seed, "steady") < 0.5;
}

export function toolSpecs(seed: number): readonly ToolSpec[] {
  const steady = isSteady(seed);
  return Object.entries(kinds).map(([name, kind]) => {
    const write = kind !== "read";
    const luck = draw(seed, "risk", name);
    return {
      name,
      kind,
      risk: !write || luck < 0.4 ? "low" : luck < 0.68 ? "medium" : "high",
      breaker: !write && draw(seed, "shelf") < 0.5 ? "shelf" : name,
      keyValidForMs:
        steady && kind === "key" && draw(seed, "key valid", name) < 0.4 ? keyValidForMs(seed, name) : undefined,
      settlesWithinMs: steady && kind === "lookup" && draw(seed, "settles", name) < 0.5 ? 12_000 : undefined,
      retry:
        draw(seed, "retry", name) < 0.4
          ? {
              attempts: 2 + Math.floor(draw(seed, "attempts", name) * 3),
              backoffMs: draw(seed, "backoff") < 0.5 ? 200 : 9_000,
            }
          : undefined,
      undo: write && name !== "undo_it" && draw(seed, "undo", name) < 0.6 ? "undo_it" : undefined,
    };
  });
}

/** A key always outlasts one attempt, be it by a millisecond: a tool whose key does not is refused before it starts. */
function keyValidForMs(seed: number, tool: string): number {
  return Math.max(toolTimeoutMs + 1, 4_000 + Math.floor(draw(seed, "key valid ms", tool) * 40_000));
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The rules of a seed, by tool; a write that is not there waits for nothing. */
export function ruleSpecs(seed: number, specs = toolSpecs(seed)): ReadonlyMap<string, RuleSpec> {
  const rules = new Map<string, RuleSpec>();
  for (const { name: tool, kind, risk } of specs) {
    if (kind === "read") continue;
    const said = draw(seed, "rule", tool) < 0.55;
    const by = !said ? undefined : risk === "high" || draw(seed, "rule by", tool) < 0.5 ? "human" : "compliance";
    const tier =
      by === "human" || risk === "high" ? "person" : by === "compliance" || risk === "medium" ? "compliance" : "none";
    if (tier === "none") continue;
    rules.set(tool, {
      tool,
      tier,
      by,
      quorum: said && draw(seed, "quorum", tool) < 0.4 ? 2 : 1,
      roles: said && draw(seed, "roles", tool) < 0.35 ? ["lead"] : [],
      expiresMs: !said ? dayMs : draw(seed, "short", tool) < 0.5 ? minuteMs : 90 * minuteMs,
    });
  }
  return rules;
}

/** What a delegation or a start allows at most; the parts of a grant that are drawn here. */
export interface GrantSpec {
  readonly tools?: readonly string[];
  readonly effects?: "read";
  /** By tool and argument. */
  readonly arguments?: { readonly [tool: string]: { readonly id: { readonly oneOf: readonly string[] } } };
}

/** Texts that a model may give as a tool's argument. */
export const argumentIds: readonly string[] = Array.from({ length: 12 }, (_, index) => `i${index}`);

/**
 * What is granted there, if anything is bounded at all.
 * @param tools what there is to grant; a grant may name nothing else
 */
export function grantSpec(seed: number, about: string, tools: readonly string[]): GrantSpec | undefined {
  if (tools.length === 0 || draw(seed, "granted", about) >= 0.25) return undefined;
  const kind = draw(seed, "grant", about);
  if (kind < 0.35) return { effects: "read" };
  if (kind < 0.7) return { tools: tools.filter((tool) => draw(seed, "grants", about, tool) < 0.6) };
  const oneOf = argumentIds.filter((id) => draw(seed, "grants", about, id) < 0.6);
  return { arguments: { [drawOne(tools, seed, "bounds", about)]: { id: { oneOf } } } };
}

/** True when a grant lets a tool be called with this argument. Said here anew: the audit asks no rule of the kernel. */
export function isGranted(grant: GrantSpec, { tool, kind, id }: { tool: string; kind: ToolKind; id: string }): boolean {
  if (grant.effects === "read" && kind !== "read") return false;
  if (grant.tools && !grant.tools.includes(tool)) return false;
  const range = grant.arguments?.[tool];
  return !range || range.id.oneOf.includes(id);
}

/** How often a run of a seed may be handed on, at least; the least that a team can do with is little. */
export function handoffsSpec(seed: number): number {
  return draw(seed, "few handoffs") < 0.3 ? 4 : 20;
}

/** How breakers are set: few failures, so that they open in a short life. */
export function breakerSpec(seed: number): { readonly failuresMax: number; readonly cooldownMs: number } {
  return {
    failuresMax: 2 + Math.floor(draw(seed, "breaker") * 3),
    cooldownMs: draw(seed, "cooldown") < 0.5 ? 8_000 : 30_000,
  };
}

export type Amount = { readonly microUsd?: number; readonly tokens?: number };

/** What budgets are in force. */
export function budgetSpec(seed: number, agents: readonly string[]) {
  const amount = (about: string, least: number): Amount => {
    const size = least * drawOne([1, 4, 20, 80], seed, "size", about);
    return drawOne<Amount>(
      [{ microUsd: size }, { tokens: size }, { microUsd: size, tokens: size }],
      seed,
      "members",
      about,
    );
  };
  const run = draw(seed, "run budget") < 0.3 ? amount("run", 4_000) : undefined;
  const [first = ""] = agents;
  const agent = draw(seed, "agent budget") < 0.25 ? { [first]: amount("agent", 2_000) } : undefined;
  const tenants: Record<string, Amount & { per?: "day"; slice?: Amount }> = {};
  for (const tenant of ["acme", "globex"]) {
    if (draw(seed, "tenant budget", tenant) >= 0.4) continue;
    tenants[tenant] = {
      ...amount(tenant, 6_000),
      ...(draw(seed, "per", tenant) < 0.3 ? { per: "day" as const } : {}),
      ...(draw(seed, "slice", tenant) < 0.5 ? { slice: { microUsd: 3_000, tokens: 3_000 } } : {}),
    };
  }
  const definition = run || agent ? { ...(run ? { run } : {}), ...(agent ? { agents: agent } : {}) } : undefined;
  return { definition, tenants };
}

/** Calls that may be under way at once, and runs that may be driven. */
export function placeSpec(seed: number) {
  const concurrency =
    draw(seed, "places") < 0.35
      ? {
          tools: { read_a: 1, write_key: 1 },
          models: { random: 1 + Math.floor(draw(seed, "model places") * 2) },
          perTenant: 1 + Math.floor(draw(seed, "tenant places") * 2),
          waiting: draw(seed, "waiting") < 0.5 ? 1 : 50,
        }
      : undefined;
  return { concurrency, driving: draw(seed, "driving") < 0.3 ? 1 : 256 };
}

/** The agent behind the specialist of a seed. */
export const specialistAgent = "s_0";

/** True where the second agent of the outermost team works elsewhere, as a specialist with runs of its own. */
export function isRemote(seed: number): boolean {
  return draw(seed, "remote") < 0.2;
}

/** What a policy says of a tool: what has to have returned before, and arguments that it denies. */
export interface PolicySpec {
  readonly tool: string;
  /** One of these; nothing has to come before where there is none. */
  readonly after: readonly string[];
  /** Only a call with the same argument is the one that has to come before. */
  readonly same: boolean;
  readonly denies: readonly string[];
}

/** What a policy asks for besides, where there is one. */
export function policySpecs(seed: number): readonly PolicySpec[] | undefined {
  if (draw(seed, "policy") >= 0.3) return undefined;
  return toolNames.map((tool) => {
    const kind = draw(seed, "policy on", tool);
    const others = toolNames.filter((one) => one !== tool);
    const after = kind < 0.35 ? [drawOne(others, seed, "after", tool, 0), drawOne(others, seed, "after", tool, 1)] : [];
    const denies = kind > 0.8 ? argumentIds.filter((id) => draw(seed, "denies", tool, id) < 0.4) : [];
    return { tool, after, same: draw(seed, "same", tool) < 0.3, denies };
  });
}

/** What has to have returned before a run may answer, where something has to. */
export function answerAfter(seed: number): string | undefined {
  return draw(seed, "answer after") < 0.15 ? drawOne(["read_a", "read_b"], seed, "answer after what") : undefined;
}

/** How often runs are checkpointed, where they are. */
export function checkpointSpec(seed: number): { readonly entries: number; readonly ms: number } | undefined {
  if (draw(seed, "checkpoints") >= 0.25) return undefined;
  return {
    entries: 1 + Math.floor(draw(seed, "checkpoint entries") ** 2 * 60),
    ms: 500 + Math.floor(draw(seed, "checkpoint ms") * 20_000),
  };
}

/** True when a guard of an agent's first edge holds, in one version of the team. */
export function guardHolds(version: number, index: number, n: number): boolean {
  return (n * 7 + index + version) % 3 === 0;
}

/** What an agent is told, in one version of the team. */
export function instructionsOf(version: number): string {
  return `Play by book ${version}.`;
}
