import { expect, test } from "vitest";
import { seededIds } from "../ids.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Journal } from "../port/journal.ts";
import { operator } from "../principal.ts";
import { lettersHandled } from "./letters.ts";

const { salt } = seededIds(1);
const ann = operator("ann");
const bob = operator("bob");
const lettersOver = (journal: Journal) => lettersHandled({ journal, now: () => 9, salt });

test("what was done about a letter is kept for its tenant", async () => {
  const journal = memoryJournal();
  const letters = lettersOver(journal);
  const redriven = { kind: "redriven", as: "run_2", by: ann, at: 9 };
  const dismissed = { kind: "dismissed", reason: "a test", by: bob, at: 9 };
  expect(await letters.redriven("acme", "run_1", "run_2", ann)).toEqual(redriven);
  expect(await letters.dismissed("acme", "run_3", "a test", bob)).toEqual(dismissed);
  const expected = new Map<string, unknown>([
    ["run_1", redriven],
    ["run_3", dismissed],
  ]);
  expect(await letters.handled("acme")).toEqual(expected);
  expect(await lettersOver(journal).handled("acme")).toEqual(expected);
  expect(await letters.handled("other")).toEqual(new Map());
});

test("the first word stands, whoever says another one and wherever", async () => {
  const journal = memoryJournal();
  const [one, two] = [lettersOver(journal), lettersOver(journal)];
  await two.handled("acme");
  const first = await one.redriven("acme", "run_1", "run_2", ann);
  expect(await one.redriven("acme", "run_1", "run_3", bob)).toEqual(first);
  expect(await two.redriven("acme", "run_1", "run_4", bob)).toEqual(first);
  expect(await two.dismissed("acme", "run_1", "late", bob)).toEqual(first);
  expect(await journal.read({ tenant: "acme", kind: "dead-letters", id: "letters" })).toHaveLength(1);
});

test("of two who take up the same letter at the same time one is told the other's run", async () => {
  const journal = memoryJournal();
  const words = await Promise.all(
    [lettersOver(journal), lettersOver(journal)].map((letters, index) =>
      letters.redriven("acme", "run_1", `run_as_${index}`, ann),
    ),
  );
  expect(words[0]).toEqual(words[1]);
});

test("what is handed out is the caller's own", async () => {
  const letters = lettersOver(memoryJournal());
  await letters.dismissed("acme", "run_1", "a test", ann);
  ((await letters.handled("acme")) as Map<string, unknown>).clear();
  expect((await letters.handled("acme")).size).toBe(1);
});
