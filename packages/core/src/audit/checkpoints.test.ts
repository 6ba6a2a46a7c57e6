import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { seededIds } from "../ids.ts";
import { linesOf, verifyChain } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { RunSession } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { type Checkpoint, checkpointStream, checkpointText } from "./checkpoint.ts";
import { checkpointing, checkpointWriter } from "./checkpoints.ts";
import { ed25519Signer, knownKeys, publicKeyOf } from "./signer.ts";

const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const signer = ed25519Signer(pem);
const { salt } = seededIds(1);
const writerOf = (journal: Journal) => checkpointWriter({ journal, now: () => 7, salt, signer, logger: silentLogger });
const point = (id: string, seq = 1) => ({ stream: `run/${id}`, seq, hash: `hash of ${id} ${seq}` });
const kept = async (journal: Journal) => {
  const batches = await journal.read(checkpointStream("acme"));
  expect(verifyChain(batches).fault).toBeUndefined();
  return batches.flatMap(linesOf).map(({ body }) => JSON.parse(body) as Checkpoint);
};

describe("the writer", () => {
  test("K3 signs each with the hash of the one before; a key that is not known says nothing", async () => {
    const journal = memoryJournal();
    const writer = writerOf(journal);
    await writer.write("acme", point("a"));
    await writer.write("acme", point("b"));
    const [first, second] = (await kept(journal)) as [Checkpoint, Checkpoint];
    expect(first.previous).toBe("");
    expect(second.previous).toBe((await journal.read(checkpointStream("acme")))[0]?.hash);
    const keys = knownKeys([publicKeyOf(pem)]);
    expect(keys.check(checkpointText("acme", 7, second), second.keyId, second.signature)).toBe(true);
    expect(keys.check(checkpointText("acme", 7, { ...second, seq: 2 }), second.keyId, second.signature)).toBe(false);
    expect(keys.check(checkpointText("other", 7, second), second.keyId, second.signature)).toBe(false);
    expect(knownKeys([]).check(checkpointText("acme", 7, second), second.keyId, second.signature)).toBeUndefined();
  });

  test("what comes while one is written goes together, the newest of each stream; two processes lose nothing", async () => {
    const journal = memoryJournal();
    const [one, two] = [writerOf(journal), writerOf(journal)];
    await Promise.all([
      one.write("acme", point("a")),
      one.write("acme", point("b", 1)),
      one.write("acme", point("b", 2)),
      two.write("acme", point("c")),
      two.write("other", point("a")),
    ]);
    expect((await kept(journal)).map(({ stream, seq }) => `${stream} ${seq}`).sort()).toEqual([
      "run/a 1",
      "run/b 2",
      "run/c 1",
    ]);
  });

  test("K2 a failure is told, rejects nothing, and is made good with the next one", async () => {
    const inner = memoryJournal();
    let fails = true;
    const journal: Journal = {
      ...inner,
      append: (...asked) => {
        if (fails) throw new OrchestrationError("journal/unavailable", { reason: "full" });
        return inner.append(...asked);
      },
    };
    const told: unknown[] = [];
    const logger = { ...silentLogger, error: (...said: unknown[]) => void told.push(said) };
    const writer = checkpointWriter({ journal, now: () => 7, salt, signer, logger });
    await writer.write("acme", point("a"));
    expect(told).toHaveLength(1);
    fails = false;
    await writer.write("acme", point("b"));
    expect((await kept(inner)).map(({ stream }) => stream).sort()).toEqual(["run/a", "run/b"]);
  });

  test("goes on from a snapshot of its stream, and not from one of another history", async () => {
    const journal = memoryJournal();
    const writer = writerOf(journal);
    for (let seq = 1; seq <= 300; seq++) await writer.write("acme", point("a", seq));
    expect((await journal.loadSnapshot(checkpointStream("acme")))?.seq).toBe(256);
    await writerOf(journal).write("acme", point("a", 301));
    await journal.saveSnapshot(checkpointStream("acme"), { seq: 10, hash: "of another one", state: null });
    await writerOf(journal).write("acme", point("a", 302));
    expect((await kept(journal)).map(({ seq }) => seq)).toEqual(Array.from({ length: 302 }, (_, index) => index + 1));
  });
});

describe("a session", () => {
  const batch = (seq: number, type = "timer.fired") => ({
    firstSeq: seq,
    lastSeq: seq,
    lines: `{"seq":${seq},"type":"${type}"}\tc\th${seq}\ts\t{}\n`,
    hash: `h${seq}`,
  });
  const session = { key: { tenant: "acme", kind: "run", id: "r" }, published: () => {} } as unknown as RunSession;
  const opened = (every: { entries?: number; ms?: number }) => {
    const points: string[] = [];
    const clock = fakeClock();
    const writer = {
      write: async (tenant: string, { stream, seq, hash }: { stream: string; seq: number; hash: string }) => {
        points.push(`${tenant} ${stream} ${seq} ${hash}`);
      },
    };
    return { points, clock, around: checkpointing(writer, clock, every) };
  };

  test("is checkpointed every so many entries and at its end", async () => {
    const { points, around } = opened({ entries: 2 });
    await around(session, async (watched) => {
      for (const seq of [1, 2, 3, 4, 5]) watched.published(batch(seq));
    });
    expect(points).toEqual(["acme run/r 2 h2", "acme run/r 4 h4", "acme run/r 5 h5"]);
  });

  test("has no entry that is durable for longer than so many milliseconds without one", async () => {
    const { points, clock, around } = opened({ ms: 100 });
    await around(session, async (watched) => {
      watched.published(batch(1));
      clock.advance(60);
      watched.published(batch(2));
      clock.advance(40);
      expect(points).toEqual(["acme run/r 2 h2"]);
      clock.advance(1_000);
    });
    expect(points).toHaveLength(1);
  });

  test("K1 that parks does not wait for its checkpoint; one that has ended does (K2)", async () => {
    const never = { write: () => new Promise<void>(() => {}) };
    const around = checkpointing(never, fakeClock());
    await around(session, async (watched) => watched.published(batch(1, "run.parked")));
    let over = false;
    void around(session, async (watched) => watched.published(batch(1, "run.completed"))).then(() => {
      over = true;
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
  });
});

test("a text that is no Ed25519 key of the right half is refused", () => {
  for (const text of ["", "no key", publicKeyOf(pem)]) {
    expect(() => ed25519Signer(text)).toThrow(expect.objectContaining({ code: "audit/key-invalid" }));
  }
  expect(() => knownKeys([pem])).toThrow(expect.objectContaining({ code: "audit/key-invalid" }));
});
