import type { Entry, EntryBodies, EntryType } from "../event.ts";
import type { KpiRun } from "./facts.ts";

/** Small journals, told entry by entry. They need not be what a core would write: only what is counted in them counts. */
export class Story implements KpiRun {
  readonly tenant = "acme";
  readonly runId: string;
  readonly tags: readonly string[];
  readonly entries: Entry[] = [];
  #at = 0;

  constructor(runId: string, tags: readonly string[] = []) {
    this.runId = runId;
    this.tags = tags;
  }

  /** Lets time pass. */
  after(ms: number): this {
    this.#at += ms;
    return this;
  }

  put<Type extends EntryType>(
    type: Type,
    body: Partial<EntryBodies[Type]> = {},
    path = "",
    cause = this.entries.length,
  ): this {
    this.entries.push({ seq: this.entries.length + 1, type, at: this.#at, path, cause, body } as unknown as Entry);
    return this;
  }

  /** Erases the bodies of all that was told so far, or of those of a type. */
  erased(type?: EntryType): this {
    for (const [index, entry] of this.entries.entries()) {
      if (type === undefined || entry.type === type) this.entries[index] = { ...entry, body: {} } as unknown as Entry;
    }
    return this;
  }

  without(...types: readonly EntryType[]): this {
    this.entries.splice(0, this.entries.length, ...this.entries.filter(({ type }) => !types.includes(type)));
    return this;
  }

  parked(): this {
    return this.without("run.completed").put("run.parked", { waitingFor: ["somebody"] });
  }

  escalated(reason: string, packet: EntryBodies["run.escalated"]["packet"] = null): this {
    return this.without("run.completed").put("run.escalated", { reason, by: "clerk", packet });
  }
}

export function begun(runId: string, tags?: readonly string[]): Story {
  return new Story(runId, tags).put("run.started", {
    supervisor: "desk",
    definitionHash: "h1",
    attributes: { intent: "refund" },
    policyVersion: "stops-1",
  });
}

/** A run with one answer of one agent, which nobody knows the cost of. */
export function run(runId: string, tags?: readonly string[]): Story {
  return begun(runId, tags)
    .put("handoff.delivered", { agent: "clerk" }, "clerk#1")
    .put("model.called", { command: "clerk#1/model#1", agent: "clerk", reason: "agent" }, "clerk#1")
    .after(10)
    .put("model.responded", { command: "clerk#1/model#1", model: "m-1", parts: [] }, "clerk#1")
    .put("handoff.returned", { agent: "clerk", output: { intent: "refund", sure: true } }, "clerk#1")
    .put("run.completed", { output: {} });
}
