import type { StreamBodies } from "../event.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { type Fold, openStream, type Stream } from "../stream/stream.ts";

/**
 * Which values of a run were let out, to whom: a stream beside the run's own that has tokens and no values, and outlives the
 * erasure of both.
 *
 * N1 A disclosure is durable before the value goes out.
 * N2 The same value to the same one is written once.
 */

export type Disclosure = StreamBodies["value.disclosed"];

export interface Recipient {
  readonly kind: Disclosure["to"]["kind"];
  /** Of the tool, the model, or whoever asks or approves. */
  readonly name: string;
  /** The agent instance, call or effect for which it is. */
  readonly path: string;
}

export function disclosureStream({ tenant, runId }: RunKey): StreamKey {
  return { tenant, kind: "disclosures", id: runId };
}

const fold: Fold<Set<string>> = {
  initial: () => new Set(),
  apply: (state, entry) => {
    if (entry.type !== "value.disclosed") return state;
    for (const token of Object.values(entry.body.tokens).flat()) state.add(markOf(entry.body.to, token));
    return state;
  },
};

export function disclosures(
  journal: Journal,
  key: RunKey,
  { now, salt }: { readonly now: () => number; readonly salt: () => string },
) {
  const stream: Stream<Set<string>> = openStream({ journal, key: disclosureStream(key), now, salt, fold });
  return {
    note: async ({ kind, name, path }: Recipient, tokens: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> => {
      const to = { kind, name };
      const known = stream.known();
      const isTold = (state: Set<string>) =>
        [...tokens.values()].every((some) => [...some].every((token) => state.has(markOf(to, token))));
      // What this process has seen durable stays so: no look is needed.
      if (known.seq > 0 && isTold(known.state)) return;
      await stream.append((state) => {
        const fresh: Record<string, string[]> = {};
        for (const [dataClass, some] of tokens) {
          const left = [...some].filter((token) => !state.has(markOf(to, token))).sort();
          if (left.length > 0) fresh[dataClass] = left;
        }
        if (Object.keys(fresh).length === 0) return { answer: undefined };
        return {
          drafts: [{ type: "value.disclosed", body: { run: key.runId, to, path, tokens: fresh } }],
          answer: undefined,
        };
      });
    },
    read: async (): Promise<readonly (Disclosure & { readonly at: number })[]> =>
      (await stream.read()).flatMap((entry) =>
        entry.type === "value.disclosed" ? [{ ...entry.body, at: entry.at }] : [],
      ),
  };
}

function markOf({ kind, name }: Disclosure["to"], token: string): string {
  return JSON.stringify([kind, name, token]);
}
