import type { Entry } from "../event.ts";
import { failureOf } from "./people.ts";

/**
 * From a run that went wrong to the step at which it did. Pure.
 *
 * I1 An incident is a run that ended `failed`, or that was escalated because something failed (`onFailure: "escalate"`).
 * I2 Its step is the first failing entry of what brought the end about: of the failures with the end's code that
 *    it follows from, the innermost; and of those of that same step the first one, where it was tried again. Where nothing
 *    failed so on the way (a guard that threw, an answer that no edge takes), it is the input that the end was decided from,
 *    and else the end itself.
 */
export interface Incident {
  /** The error that the run ended with, and that its step failed with. */
  readonly code: string;
  /** Where it began. */
  readonly seq: number;
  readonly type: Entry["type"];
  readonly path: string;
  readonly at: number;
  /** Failing entries in the run, those among them that it got over. */
  readonly failures: number;
}

interface Failure {
  readonly seq: number;
  readonly cause: number;
  readonly type: Entry["type"];
  readonly path: string;
  readonly at: number;
  readonly code: string;
}

/** Failing entries that are kept of one run; of a longer row the first and the latest. */
const keptMost = 2_000;

export function incidentTally() {
  const failures: Failure[] = [];
  /** What came from outside, by seq. */
  const inputs = new Map<number, Pick<Failure, "seq" | "type" | "path" | "at">>();
  let seen = 0;
  let end: Failure | undefined;
  const take = (entry: Entry): void => {
    const { seq, cause, type, path, at } = entry;
    if (cause === 0 && type !== "budget.returned") inputs.set(seq, { seq, type, path, at });
    const code = codeOf(entry);
    if (code === undefined) return;
    const failure = { seq, cause, type, path, at, code };
    if (type === "run.failed" || type === "run.escalated") {
      end = failure;
      return;
    }
    seen++;
    failures.push(failure);
    if (failures.length > keptMost) failures.splice(keptMost / 2, 1);
  };
  return {
    take,
    close: (): Incident | undefined => {
      if (!end) return undefined;
      const { code, cause } = end;
      // A run that waits for writes under way, or gives back its budget, ends upon another input than the one that failed it.
      const same = failures.filter((one) => one.code === code);
      const last = code === "" ? undefined : same.at(-1);
      const root = firstOf(same, cause) ?? (last && firstOf(same, last.cause === 0 ? last.seq : last.cause));
      const first = root && same.find(({ path: at }) => at === root.path);
      const { seq, type, path, at } = first ?? inputs.get(cause) ?? end;
      return { code, seq, type, path, at, failures: seen };
    },
  };
}

/** The first failure that is an input, or was decided from it. */
function firstOf(failures: readonly Failure[], input: number): Failure | undefined {
  return input === 0 ? undefined : failures.find(({ seq, cause }) => seq === input || cause === input);
}

/** The code of what failed in an entry; `""` where its body was erased; nothing: it is no failure. */
function codeOf(entry: Entry): string | undefined {
  switch (entry.type) {
    case "model.failed":
      // Nobody was asked, or another model is.
      return entry.body.summarise === undefined ? (entry.body.error?.code ?? "") : undefined;
    case "tool.failed":
      return entry.body.error?.code === "tool/refused" ? undefined : (entry.body.error?.code ?? "");
    case "agent.failed":
    case "handoff.rejected":
    case "message.dead":
    case "budget.refused":
    case "budget.exceeded":
    case "delegation.refused":
    case "run.failed":
      return entry.body.error?.code ?? "";
    case "delegation.ended":
      return entry.body.end?.status === "failed" ? entry.body.end.error.code : undefined;
    case "output.rejected":
      return "agent/output-invalid";
    case "limit.exceeded":
      return "limits/exceeded";
    case "policy.decided":
      return entry.body.effect === "deny" ? "policy/denied" : undefined;
    case "effect.uncertain":
      return entry.body.next === "person" ? "tool/outcome-unknown" : undefined;
    case "run.escalated":
      return failureOf(entry.body.reason, entry.body.packet);
    default:
      return undefined;
  }
}
