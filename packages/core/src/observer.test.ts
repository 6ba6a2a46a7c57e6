import { describe, expect, test, vi } from "vitest";
import { sealBatch } from "./journal/chain.ts";
import { type Draft, emptyHead } from "./journal/draft.ts";
import { memoryJournal } from "./journal/memory.ts";
import { observers } from "./observer.ts";
import type { RunSession } from "./port/engine.ts";
import type { Batch } from "./port/journal.ts";
import { silentLogger } from "./port/logger.ts";
import { blobStore } from "./run/blob.ts";

const batch = sealBatch(
  emptyHead,
  [
    { type: "timer.fired", at: 5, path: "", cause: 0, body: { timer: "t" } },
    { type: "run.parked", at: 5, path: "", cause: 1, body: { waitingFor: [] } },
  ],
  () => "salt",
);

function watched() {
  const warnings: unknown[] = [];
  const published: Batch[] = [];
  const watching = observers({ ...silentLogger, warn: (fields) => void warnings.push(fields) });
  const unused = () => {
    throw new Error("not asked for here");
  };
  const session: RunSession = {
    key: { tenant: "acme", kind: "run", id: "run_1" },
    journal: memoryJournal(),
    now: unused,
    salt: unused,
    append: unused,
    submit: unused,
    abort: unused,
    next: unused,
    published: (one) => void published.push(one),
  } as RunSession;
  return { watching, session: watching.around(session), warnings, published, journal: session.journal };
}

describe("observers", () => {
  test("are told durable entries of their type, with the run's key, until they stop", () => {
    const { watching, session, published } = watched();
    const seen: unknown[] = [];
    const off = watching.on("run.parked", (entry, key) => void seen.push([entry.seq, entry.body.waitingFor, key]));
    session.published(batch);
    off();
    session.published(batch);
    expect(seen).toEqual([[2, [], { tenant: "acme", runId: "run_1" }]]);
    expect(published).toEqual([batch, batch]);
  });

  test("that throw, now or later, hurt nobody and are warned of", async () => {
    const { watching, session, warnings, published } = watched();
    const seen: number[] = [];
    watching.on("timer.fired", () => {
      throw new Error("now");
    });
    watching.on("timer.fired", (async () => {
      throw new Error("later");
    }) as () => void);
    watching.on("timer.fired", ({ seq }) => void seen.push(seq));
    session.published(batch);
    await Promise.resolve();
    expect(seen).toEqual([1]);
    expect(published).toEqual([batch]);
    expect(warnings).toEqual([
      { type: "timer.fired", seq: 1, reason: "now" },
      { type: "timer.fired", seq: 1, reason: "later" },
    ]);
  });

  test("may stop each other while they are told", () => {
    const { watching, session } = watched();
    const seen: string[] = [];
    const off = watching.on("timer.fired", () => {
      off();
      offOther();
      seen.push("first");
    });
    const offOther = watching.on("timer.fired", () => void seen.push("other"));
    session.published(batch);
    session.published(batch);
    expect(seen).toEqual(["first", "other"]);
  });

  test("are told what was said and not where it is stored, and what comes behind a long body behind it", async () => {
    const { watching, session, journal, warnings } = watched();
    const tenantKey = await journal.tenantKey("acme");
    const blobs = blobStore({ journal, tenant: "acme", tenantKey, blobChars: 40 });
    const timer = "t".repeat(100);
    const long: Draft<"timer.fired"> = { type: "timer.fired", at: 5, path: "", cause: 0, body: { timer } };
    const by = sealBatch(emptyHead, [long], () => "salt", blobs.divert);
    const seen: unknown[] = [];
    watching.on("timer.fired", ({ body }) => void seen.push(body.timer));
    session.published(by);
    session.published(batch);
    await vi.waitFor(() => expect(seen).toEqual([timer, "t"]));
    session.published(batch);
    expect(seen).toEqual([timer, "t", "t"]);
    const lost = sealBatch(
      emptyHead,
      [{ ...long, body: { timer: `${timer}?` } }],
      () => "salt",
      () => JSON.stringify({ $blob: "nowhere", chars: 111 }),
    );
    session.published(lost);
    session.published(batch);
    await vi.waitFor(() => expect(seen).toEqual([timer, "t", "t", "t"]));
    expect(warnings).toEqual([expect.objectContaining({ seq: 1, reason: expect.stringContaining("nowhere") })]);
  });
});
