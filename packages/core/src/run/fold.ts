import { OrchestrationError } from "../errors.ts";
import { type Entry, type InputEvent, isInputType } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import type { Draft } from "../journal/draft.ts";
import { searchable } from "../journal/unsealed.ts";
import { canonicalJson } from "../json.ts";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { openBlobs } from "./blob.ts";
import type { RunCore } from "./core.ts";
import { settledAt } from "./settlements.ts";
import type { RunState } from "./state.ts";

/** The fold over a journal: inputs are applied again, and what is decided now has to be what was decided then (R13). */

/**
 * What this definition decided: the batches from its migration on, or from the start, up to the migration that took the
 * run away from it (C4).
 */
export async function decidedBy(
  { hash }: SupervisorDefinition,
  batches: readonly Batch[],
  journal: Journal,
  key: StreamKey,
): Promise<readonly Batch[]> {
  let from = 0;
  let to = batches.length;
  for (const [index, batch] of batches.entries()) {
    if (!searchable(batch).includes('"type":"run.migrated"')) continue;
    for (const entry of await openBlobs(openBatch(batch, key.id), journal, key)) {
      if (entry.type !== "run.migrated") continue;
      if (entry.body.to === hash) {
        from = index;
        to = batches.length;
      } else if (entry.body.from === hash) to = index;
    }
  }
  return from === 0 && to === batches.length ? batches : batches.slice(from, to);
}

/**
 * Applies the inputs of one batch and compares every decision with the recorded one (R13).
 * @throws OrchestrationError `replay/diverged` naming the first entry that differs
 */
export function foldBatch(
  core: RunCore,
  entries: readonly Entry[],
  run: string,
  onDecided?: (drafts: readonly Draft[], input: Entry) => void,
): void {
  let index = 0;
  while (index < entries.length) {
    const input = entries[index] as Entry;
    if (!isInputType(input.type)) {
      throw new OrchestrationError("replay/diverged", {
        run,
        seq: input.seq,
        recorded: input.type,
        decided: "nothing",
      });
    }
    const event = { id: `replay:${input.seq}`, type: input.type, path: input.path, body: input.body } as InputEvent;
    const repeats = isRepeated(core.state, input, entries[index + 1]);
    const drafts = core.apply(event, input.at, input.seq)?.drafts ?? [];
    const recorded: Entry[] = [input];
    index += repeats ? 2 : 1;
    for (; entries[index]?.cause === input.seq; index++) recorded.push(entries[index] as Entry);
    onDecided?.(drafts, input);
    compare(recorded.filter(isDecided), drafts.filter(isDecided), run);
  }
}

/** What a candidate policy said then decides nothing, and whoever replays need not have it. */
function isDecided({ type }: { readonly type: string }): boolean {
  return type !== "policy.shadowed";
}

/** True for what journals of before have behind an outcome: `budget.settled`, which says once more what that settles (T3). */
function isRepeated({ purse }: RunState, outcome: Entry, next: Entry | undefined): boolean {
  if (next?.type !== "budget.settled" || next.cause !== outcome.seq) return false;
  if (outcome.type !== "model.responded" && outcome.type !== "model.failed") return false;
  const { command } = outcome.body;
  const held = purse.reserved.get(command);
  if (!held) return false;
  return sameJson(next.body, { command, agent: held.agent, ...settledAt(held.amount, outcome.body) });
}

function compare(recorded: readonly Entry[], decided: readonly Draft[], run: string): void {
  const length = Math.max(recorded.length, decided.length);
  for (let index = 0; index < length; index++) {
    const then = recorded[index];
    const now = decided[index];
    if (then && now && then.type === now.type && then.path === now.path && sameJson(then.body, now.body)) continue;
    throw new OrchestrationError("replay/diverged", {
      run,
      seq: then?.seq ?? (recorded.at(-1)?.seq ?? 0) + 1,
      recorded: then ? summary(then) : "the end of the batch",
      decided: now ? summary(now) : "nothing",
    });
  }
}

/**
 * The order of members means nothing; it is only what makes the quick look quick. Nor do the words of an error or of an
 * issue: they follow from code, data and pointer, and a later release may say the same better.
 */
function sameJson(left: unknown, right: unknown): boolean {
  return (
    JSON.stringify(left) === JSON.stringify(right) || canonicalJson(wordless(left)) === canonicalJson(wordless(right))
  );
}

/** The same body without the words of its own error and issues; payloads of agents and tools are left alone. */
function wordless(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(wordless);
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).flatMap(([key, member]) => {
      if (key === "message" && ("code" in body || "pointer" in body)) return [];
      return [
        [key, key === "error" || key === "issues" || (key === "data" && "code" in body) ? wordless(member) : member],
      ];
    }),
  );
}

function summary({
  type,
  path,
  body,
}: {
  readonly type: string;
  readonly path: string;
  readonly body: unknown;
}): string {
  const text = JSON.stringify(body);
  return `${type} at ${path || "the root"} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}
