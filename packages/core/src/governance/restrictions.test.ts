import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import type { Restrictions, RestrictionTarget } from "../event.ts";
import { isIdText, seededIds } from "../ids.ts";
import { memoryJournal } from "../journal/memory.ts";
import { sqliteJournal } from "../journal/sqlite.ts";
import type { Journal } from "../port/journal.ts";
import { operator } from "../principal.ts";
import { type FakeClock, fakeClock } from "../testing/fake-clock.ts";
import { allTenants, type RestrictionBoard, restrictionBoard } from "./restrictions.ts";

const { salt } = seededIds(1);
const word = { reason: "it misbehaves", principal: operator("o_1", ["risk"]) };
const tool = (name: string): RestrictionTarget => ({ kind: "tool", name });
const agent = (name: string): RestrictionTarget => ({ kind: "agent", name });
const tenant: RestrictionTarget = { kind: "tenant" };
const none = { tools: [], agents: [], stopped: false };

/** A board and the reads that it makes. */
function boardOver(journal: Journal, clock: FakeClock, maxAgeMs?: number) {
  const reads: string[] = [];
  const counting: Journal = {
    ...journal,
    read: (key, fromSeq) => {
      reads.push(key.tenant);
      return journal.read(key, fromSeq);
    },
  };
  const board = restrictionBoard({
    journal: counting,
    clock,
    salt,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  });
  return { board, reads };
}
/** What a board says without looking. */
function atOnce(board: RestrictionBoard, of: string): Restrictions {
  const current = board.current(of);
  if (current instanceof Promise) throw new Error("the board looks");
  return current;
}

test("no tenant can be named like all of them", () => {
  expect(isIdText(allTenants)).toBe(false);
});

describe("one board", () => {
  test("says of a tenant what is taken away from it and from everybody", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    await board.set("acme", tool("refund"), word);
    await board.set("acme", agent("action"), word);
    await board.set(allTenants, tool("mail"), word);
    await board.set(allTenants, tool("refund"), word);
    expect(await board.current("acme")).toEqual({
      version: "2.2",
      tools: ["mail", "refund"],
      agents: ["action"],
      stopped: false,
    });
    expect(await board.current("other")).toEqual({ ...none, version: "0.2", tools: ["mail", "refund"] });
  });

  test("stops one tenant, or all", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    const stopped = async () => [(await board.current("acme")).stopped, (await board.current("other")).stopped];
    await board.set("acme", tenant, word);
    expect(await stopped()).toEqual([true, false]);
    await board.set(allTenants, tenant, word);
    expect(await stopped()).toEqual([true, true]);
    await board.lift("acme", tenant, word);
    expect(await stopped()).toEqual([true, true]);
    await board.lift(allTenants, tenant, word);
    expect(await stopped()).toEqual([false, false]);
  });

  test("writes nothing when nothing changes; the first reason stands", async () => {
    const clock = fakeClock(5_000);
    const journal = memoryJournal();
    const { board } = boardOver(journal, clock);
    expect(await board.lift("acme", tool("refund"), word)).toBe(false);
    expect(await board.set("acme", tool("refund"), word)).toBe(true);
    clock.advance(10);
    expect(await board.set("acme", tool("refund"), { ...word, reason: "again" })).toBe(false);
    expect(await board.set("acme", agent("refund"), word)).toBe(true);
    expect(await board.list("acme")).toEqual([
      { target: tool("refund"), tenant: "acme", ...word, at: 5_000 },
      { target: agent("refund"), tenant: "acme", ...word, at: 5_010 },
    ]);
    expect(await board.lift("acme", tool("refund"), word)).toBe(true);
    expect(await board.lift("acme", tool("refund"), word)).toBe(false);
    expect(await journal.read({ tenant: "acme", kind: "restrictions", id: "live" })).toHaveLength(3);
    expect(await board.current("acme")).toEqual({ ...none, version: "3.0", agents: ["refund"] });
  });

  test("lists what holds for all tenants beside a tenant's own", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    await board.set("acme", tool("refund"), word);
    await board.set(allTenants, tenant, word);
    const listed = async (of: string) => (await board.list(of)).map((one) => [one.tenant, one.target.kind]);
    expect(await listed("acme")).toEqual([
      [allTenants, "tenant"],
      ["acme", "tool"],
    ]);
    expect(await listed(allTenants)).toEqual([[allTenants, "tenant"]]);
  });

  test("answers at once, with the same object, while what it knows is young enough", async () => {
    const clock = fakeClock();
    const { board, reads } = boardOver(memoryJournal(), clock);
    const first = await board.current("acme");
    expect(first).toEqual({ ...none, version: "0.0" });
    clock.advance(249);
    expect(atOnce(board, "acme")).toBe(first);
    expect(reads).toEqual(["acme", allTenants]);
    clock.advance(1);
    expect(await board.current("acme")).toBe(first);
    expect(await board.current("other")).toBe(first);
    expect(reads).toEqual(["acme", allTenants, "acme", allTenants, "other"]);
  });

  test("looks once for all who ask at the same time", async () => {
    const { board, reads } = boardOver(memoryJournal(), fakeClock());
    await Promise.all(Array.from({ length: 50 }, () => board.current("acme")));
    expect(reads).toEqual(["acme", allTenants]);
  });

  test("knows its own changes at once", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    await board.current("acme");
    await board.set("acme", tool("refund"), word);
    expect(atOnce(board, "acme").tools).toEqual(["refund"]);
    await board.set(allTenants, tenant, word);
    expect(atOnce(board, "acme")).toEqual({ version: "1.1", tools: ["refund"], agents: [], stopped: true });
    await board.lift("acme", tool("refund"), word);
    expect(atOnce(board, "acme").tools).toEqual([]);
  });

  test("need not look at what it has just written", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    await board.current("other");
    await board.set("acme", tool("refund"), word);
    expect(atOnce(board, "acme")).toEqual({ ...none, version: "1.0", tools: ["refund"] });
  });

  test("does not take a clock that was put back for a young answer", async () => {
    let now = 10_000;
    const journal = memoryJournal();
    const board = restrictionBoard({ journal, clock: { now: () => now }, salt });
    await board.current("acme");
    now = 5_000;
    expect(board.current("acme")).toBeInstanceOf(Promise);
  });

  test("that cannot look says so, and looks again when it is asked again", async () => {
    const clock = fakeClock();
    const journal = memoryJournal();
    let fails = true;
    const { board } = boardOver(
      {
        ...journal,
        read: async (...asked) => {
          if (fails) throw new OrchestrationError("journal/unavailable", { reason: "gone" });
          return journal.read(...asked);
        },
      },
      clock,
    );
    await expect(board.current("acme")).rejects.toMatchObject({ code: "journal/unavailable" });
    fails = false;
    expect(await board.current("acme")).toEqual({ ...none, version: "0.0" });
  });

  test("knows tenants by their ids alone", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    const invalid = { code: "run/id-invalid", data: { what: "tenant", value: "~other" } };
    await expect(board.set("~other", tenant, word)).rejects.toMatchObject(invalid);
    expect(() => board.current("~other")).toThrowError(expect.objectContaining(invalid));
  });

  test("keeps of a principal and of a target what the journal has words for", async () => {
    const { board } = boardOver(memoryJournal(), fakeClock());
    const principal = { ...word.principal, session: "secret" };
    const noted = { ...tool("refund"), note: "x" };
    await board.set("acme", noted, { reason: "r", principal });
    const [listed] = await board.list("acme");
    expect(listed).toMatchObject({ target: tool("refund"), principal: word.principal });
    expect(JSON.stringify(listed)).not.toMatch(/secret|note/);
  });
});

describe.each(["memory", "sqlite"])("two boards over one %s journal", (kind) => {
  let folder: string;
  let journals: Journal[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "remit-restrictions-"));
    const path = join(folder, "journal.db");
    const shared = memoryJournal();
    journals = [0, 1].map(() => (kind === "memory" ? shared : sqliteJournal({ path })));
  });
  afterEach(async () => {
    for (const journal of journals) await journal.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("see each other's changes when what they know is old", async () => {
    const clock = fakeClock();
    const [one, two] = journals.map((journal) => boardOver(journal, clock).board) as [
      RestrictionBoard,
      RestrictionBoard,
    ];
    await two.current("acme");
    await one.set("acme", tool("refund"), word);
    await one.set(allTenants, agent("action"), word);
    clock.advance(249);
    expect(atOnce(two, "acme")).toEqual({ ...none, version: "0.0" });
    clock.advance(1);
    const seen = { version: "1.1", tools: ["refund"], agents: ["action"], stopped: false };
    expect(await two.current("acme")).toEqual(seen);
    await two.lift(allTenants, agent("action"), word);
    clock.advance(250);
    expect(await one.current("acme")).toEqual({ ...seen, version: "1.2", agents: [] });
  });

  test("with an age of 0 see them at once", async () => {
    const clock = fakeClock();
    const [one, two] = journals.map((journal) => boardOver(journal, clock, 0).board) as [
      RestrictionBoard,
      RestrictionBoard,
    ];
    await two.current("acme");
    await one.set(allTenants, tenant, word);
    expect((await two.current("acme")).stopped).toBe(true);
  });

  test("setting the same at the same time is one restriction", async () => {
    const clock = fakeClock();
    const boards = journals.map((journal) => boardOver(journal, clock).board);
    const changed = await Promise.all(boards.map((board) => board.set(allTenants, tool("refund"), word)));
    expect(changed.filter((one) => one)).toHaveLength(1);
    expect(await journals[0]?.read({ tenant: allTenants, kind: "restrictions", id: "live" })).toHaveLength(1);
  });
});
