import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { searchable } from "../journal/unsealed.ts";
import type { Batch, RunRecord } from "../port/journal.ts";
import type { AnyTool } from "../tool.ts";
import { type Awaited, isEnd, until } from "./awaited.ts";
import { costTypes, microUsdOf } from "./costs.ts";
import { effectsOf } from "./effects.ts";
import { type Held, open } from "./held.ts";
import type { RunResult } from "./run.ts";

/** Waits for the end of a run, and reads what it came to. */
export function resultFor<Output>(held: Held): Promise<RunResult<Output>> {
  return until(held, hasEnded).then((awaited) => resultAt<Output>(held, awaited));
}

function hasEnded({ status }: RunRecord): boolean {
  return isEnd(status);
}

async function resultAt<Output>(held: Held, { known, seen }: Awaited): Promise<RunResult<Output>> {
  const {
    key,
    stream,
    parts: { engine, definition },
  } = held;
  // Where the index knows what it has cost, the end alone is read, if it was not seen here.
  const { status, microUsd, lastSeq } = known;
  if (microUsd !== undefined && status !== "failed" && status !== "cancelled") {
    const [last] = seen ? [seen] : await engine.journal.read(stream, lastSeq);
    return revealed(
      held,
      resultOf<Output>(key.runId, last ? await open(held, last) : [], last, definition.tools, microUsd),
    );
  }
  const batches = await engine.journal.read(stream);
  const last = batches.at(-1);
  // Of a long run only the end is read, and what cost something; of one that broke off, what it has done as well.
  const brokeOff = last !== undefined && /"type":"run\.(failed|cancelled)"/.test(searchable(last));
  const only = (batch: Batch) => (brokeOff || batch === last ? undefined : costTypes);
  const all = (await Promise.all(batches.map((batch) => open(held, batch, only(batch))))).flat();
  return revealed(held, resultOf<Output>(key.runId, all, last, definition.tools));
}

/**
 * What was done on the way, and what went wrong, stays sealed: the answer is what somebody asked for.
 * @param result made just now, for this caller alone: it is changed in place, for a copy would ask for its hash
 */
async function revealed<Output>(held: Held, result: RunResult<Output>): Promise<RunResult<Output>> {
  const {
    key,
    parts: { principals, sealing },
  } = held;
  if (!sealing) return result;
  const to = { kind: "caller", name: principals.current().id, path: "" } as const;
  const reveal = <Value>(value: Value) => sealing.reveal(key, value, sealing.rules.answers, to);
  if (result.status === "completed") return Object.assign(result, { output: await reveal(result.output) });
  if (!("packet" in result)) return result;
  return Object.assign(result, await reveal({ reason: result.reason, packet: result.packet }));
}

/** Reads a result from the entries of an ended run: its last one, and those that say what it cost. */
function resultOf<Output>(
  runId: string,
  all: readonly Entry[],
  end: Pick<Batch, "hash"> | undefined,
  tools: ReadonlyMap<string, AnyTool>,
  known?: number,
): RunResult<Output> {
  const last = all.at(-1);
  const common = { runId, cost: { microUsd: known ?? microUsdOf(all) }, seq: last?.seq ?? 0 };
  switch (last?.type) {
    case "run.completed":
      return proved({ ...common, status: "completed", ...last.body, output: last.body.output as Output }, end);
    case "run.denied":
    case "run.escalated":
      return proved({ ...common, status: last.type === "run.denied" ? "denied" : "escalated", ...last.body }, end);
    case "run.failed":
      return proved({ ...common, status: "failed", ...last.body, effects: effectsOf(all, tools) }, end);
    case "run.cancelled":
      return proved({ ...common, status: "cancelled", ...last.body, effects: effectsOf(all, tools) }, end);
    default:
      throw new OrchestrationError("run/internal", { reason: `run ${runId} has no end in its journal` });
  }
}

const ending = Symbol("the batch that holds the end");

/** One getter for all results, so that they have one shape. */
const journalHash: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: { readonly [ending]: Pick<Batch, "hash"> | undefined }) {
    return this[ending]?.hash ?? "";
  },
};

/** The same result with the hash of its journal, which is worked out when somebody asks, where it was not needed before. */
function proved<Result extends object>(
  result: Result,
  end: Pick<Batch, "hash"> | undefined,
): Result & { readonly journalHash: string } {
  Object.defineProperty(result, ending, { value: end });
  return Object.defineProperty(result, "journalHash", journalHash) as Result & { readonly journalHash: string };
}
