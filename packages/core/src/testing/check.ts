import { reasonOf } from "../errors.ts";
import { type Entry, endStatusOf } from "../event.ts";
import { canonicalJson, type Json } from "../json.ts";
import { approvalsIn, leftUnsaid } from "./people.ts";
import type { Change, ScenarioOutcome } from "./scenario.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen instead; empty when ok. */
  readonly detail: string;
}

/**
 * What the customer of a run was told: each question, then the reply that the run ended with.
 * @param result the same end as whoever asks is given it, where values were sealed; as it is journaled when absent
 */
export function saidIn(entries: readonly Entry[], result?: ScenarioOutcome["result"]): string[] {
  const said: string[] = [];
  for (const entry of entries) {
    if (entry.type === "input.requested" && entry.body.of === "customer") said.push(entry.body.question);
    if (entry.type === "run.completed") {
      said.push(...replyIn(result?.status === "completed" ? (result.output as Json) : entry.body.output));
    }
    if (entry.type === "run.escalated" || entry.type === "run.denied") {
      said.push(...replyIn(result && "packet" in result ? result.packet : entry.body.packet));
    }
  }
  return said;
}

function replyIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  const reply = typeof value === "object" && value !== null && "reply" in value ? value.reply : undefined;
  return typeof reply === "string" ? [reply] : [];
}

/** Compares an outcome with what its scenario expects. */
export async function checkOutcome(outcome: ScenarioOutcome): Promise<readonly Check[]> {
  const { scenario, result, entries, said, changes } = outcome;
  const { expect } = scenario;
  const checks: Check[] = [];
  const equal = (name: string, expected: unknown, actual: unknown) => {
    const ok = canonicalJson(expected ?? null) === canonicalJson(actual ?? null);
    checks.push({ name, ok, detail: ok ? "" : `expected ${short(expected)}, saw ${short(actual)}` });
  };
  if (expect.status !== undefined) {
    const more =
      result.status === "failed" ? ` (${result.error.message})` : "reason" in result ? ` (${result.reason})` : "";
    const ok = result.status === expect.status;
    checks.push({ name: "status", ok, detail: ok ? "" : `expected ${expect.status}, saw ${result.status}${more}` });
  }
  if (expect.reason !== undefined) {
    equal(
      "reason",
      expect.reason,
      "reason" in result ? result.reason : result.status === "failed" ? result.error.code : "",
    );
  }
  if (expect.path !== undefined) equal("path", expect.path, pathIn(entries));
  const told = said.map(asRead);
  const isTold = (text: string) => told.some((one) => one.includes(asRead(text)));
  for (const text of expect.says ?? []) {
    const ok = isTold(text);
    checks.push({
      name: `says "${text}"`,
      ok,
      detail: ok ? "" : `the customer was told: ${said.length === 0 ? "nothing" : short(said)}`,
    });
  }
  for (const text of expect.neverSays ?? []) {
    const ok = !isTold(text);
    checks.push({ name: `never says "${text}"`, ok, detail: ok ? "" : `the customer was told: ${short(said)}` });
  }
  const done = doneIn(entries);
  if (expect.writes !== undefined) equal("writes", expect.writes, done.writes);
  for (const tool of expect.reads ?? []) {
    const ok = done.reads.includes(tool);
    checks.push({ name: `reads ${tool}`, ok, detail: ok ? "" : `read: ${done.reads.join(", ") || "nothing"}` });
  }
  if (expect.denied !== undefined) {
    const denied = deniedIn(entries);
    const expected = expect.denied.map((one, index) => ({ ...one, code: one.code ?? denied[index]?.code ?? "" }));
    equal("denied", expected, denied);
  }
  if (expect.approvals !== undefined) {
    const seen = approvalsIn(entries).map(({ tool, decision }) => ({ tool, decision }));
    equal("approvals", expect.approvals, seen);
  }
  if (expect.questions !== undefined) {
    equal("questions", expect.questions, entries.filter(({ type }) => type === "input.requested").length);
  }
  if (expect.changes !== undefined) {
    const wanted = expect.changes;
    const seen = (changes ?? []).map((change) => {
      const twin = wanted.find(({ path }) => path === change.path);
      return twin && !("before" in twin)
        ? { path: change.path, ...("after" in change ? { after: change.after } : {}) }
        : change;
    });
    const byPath = (list: readonly Change[]) => [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
    equal("changes of the world", byPath(wanted), byPath(seen));
  }
  const { verify } = scenario;
  if (verify) checks.push(await attempt("verify", () => verify(outcome)));
  const last = entries.at(-1);
  const ends = entries.filter(({ type }) => endStatusOf(type)).length;
  if (result.status === "parked") {
    checks.push({ name: "no end while it waits", ok: ends === 0, detail: ends === 0 ? "" : `${ends} ends` });
    return checks;
  }
  const whole = ends === 1 && last !== undefined && endStatusOf(last.type) !== undefined;
  checks.push({
    name: "exactly one end",
    ok: whole,
    detail: whole ? "" : `${ends} ends, last entry ${last?.type ?? "none"}`,
  });
  return checks;
}

/**
 * Whether all was asked for that a scenario has its agents and people say, and nothing that it has not. What was not asked
 * for is a part of the story that was not played; a team that takes up what fails hides that a script was at its end. By
 * the journal, for models that play the script.
 */
export function checkUsed({ scenario, entries }: Pick<ScenarioOutcome, "scenario" | "entries">): readonly Check[] {
  const calls = new Map<string, number>();
  for (const { type, body } of entries) {
    if (type === "model.called") calls.set(body.agent, (calls.get(body.agent) ?? 0) + 1);
  }
  const unused = scenario.script.flatMap(({ agent, parts }) => {
    const left = calls.get(agent) ?? 0;
    calls.set(agent, left - 1);
    return left > 0 ? [] : [`${agent}: ${short(parts)}`];
  });
  const wrong = [...unused, ...beyondScript(entries)];
  const script = { name: "the whole script was asked for", ok: wrong.length === 0, detail: wrong.join("\n") };
  return [script, ...checkHeard({ scenario, entries })];
}

/**
 * A text as a reader takes it: upper and lower case, composed and decomposed letters, full-width digits, kinds of space and
 * what has no width at all make no difference.
 */
function asRead(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/\s+/gu, " ")
    .toLowerCase();
}

/** What a script was asked for and does not have, a line each. */
export function beyondScript(entries: readonly Entry[]): readonly string[] {
  return entries.flatMap(({ type, body }) =>
    type === "model.failed" && body.error.code === "model/script-mismatch" ? [body.error.message] : [],
  );
}

/** Whether everybody outside was asked who has something to say; no check where nobody has. */
export function checkHeard({ scenario, entries }: Pick<ScenarioOutcome, "scenario" | "entries">): readonly Check[] {
  if (scenario.external.length === 0) return [];
  const left = leftUnsaid(scenario.external, entries).map((one) =>
    "tool" in one ? `${one.decision} of ${one.tool}` : `${one.of}: ${short(one.answer)}`,
  );
  const ok = left.length === 0;
  return [{ name: "everybody was asked", ok, detail: ok ? "" : `nobody asked for: ${left.join("; ")}` }];
}

/** Agents in the order in which they were given work. Who judged a call on the way was given none of the case. */
export function pathIn(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    return entry.type === "handoff.delivered" && entry.body.judges === undefined ? [entry.body.agent] : [];
  });
}

/** Names of the calls that were carried out, in order. */
export function doneIn(entries: readonly Entry[]): { readonly reads: string[]; readonly writes: string[] } {
  const called = new Map<string, { tool: string; effect: "read" | "write" }>();
  const writes = new Map<string, string>();
  const done = { reads: [] as string[], writes: [] as string[] };
  for (const entry of entries) {
    if (entry.type === "tool.called") {
      called.set(entry.body.command, entry.body);
      writes.set(entry.path ?? "", entry.body.tool);
    }
    // After a crash: nobody heard of it, and it was there when it was looked up.
    const found = entry.type === "effect.looked-up" && entry.body.outcome === "found";
    if (found) done.writes.push(writes.get(entry.path ?? "") ?? "");
    if (entry.type !== "tool.returned") continue;
    const call = called.get(entry.body.command);
    if (call) done[call.effect === "write" ? "writes" : "reads"].push(call.tool);
  }
  return done;
}

/** Calls that were denied, in order. */
export function deniedIn(entries: readonly Entry[]): { agent: string; tool: string; code: string }[] {
  return entries.flatMap((entry) => {
    if (entry.type !== "tool.denied") return [];
    const { agent, tool, error } = entry.body;
    return [{ agent, tool, code: error.code }];
  });
}

/** What is thrown is what failed. */
export async function attempt(name: string, act: () => void | Promise<void>): Promise<Check> {
  try {
    await act();
    return { name, ok: true, detail: "" };
  } catch (thrown) {
    return { name, ok: false, detail: reasonOf(thrown) };
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
