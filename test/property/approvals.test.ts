import { type Journal, localEngine, memoryEngine, memoryJournal, silentLogger, user } from "@remit/core";
import { type FakeClock, fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodies } from "../contract/engine-approvals.ts";
import { call, turns } from "../contract/engine-desk.ts";
import {
  defineOffice,
  makeOffice,
  nestOffice,
  type Office,
  openOffice,
  says,
  Till,
} from "../contract/engine-office.ts";

const tenant = "acme";
const start = { tenant, principal: user("u") } as const;
const input = { text: "go" };
const words = ["approve", "reject", "edit", "edit-reject", "leave"] as const;
type Word = (typeof words)[number];
const as = (id: string) => ({ principal: user(id), reason: "" });

const expiresMs = 1_000;
const approvals = [{ tool: "wipe_disk", by: "human", expiresMs }] as const;

/** An engine over a journal that stays when the engine is closed. */
function over(journal: Journal, clock: FakeClock) {
  return localEngine({ name: "p", journal: { ...journal, close: async () => {} }, clock, logger: silentLogger });
}

describe("R8 four calls of one turn", () => {
  /** Says the words in an order; calls that nobody speaks of expire. Returns what reached the tool and the results. */
  const play = async (said: readonly Word[], order: readonly number[], crash: boolean) => {
    const clock = fakeClock();
    const journal = memoryJournal();
    const till = new Till();
    const results: unknown[] = [];
    const model = turns({
      worker: [
        said.map((_, index) => call("wipe_disk", `i${index}`, `c${index}`)),
        ({ messages }) => {
          results.push(messages.at(-1));
          return says("ok");
        },
      ],
    });
    let engine = over(journal, clock);
    const open = () => makeOffice({ engine, model, till, approvals, snapshotEvery: 1 });
    let office = open();
    const run = await office.start(input, start);
    await run.settled();
    const anew = async () => {
      if (!crash) return;
      await engine.close();
      engine = over(journal, clock);
      office = open();
      await office.resume();
    };
    for (const index of order) {
      const address = `${run.id}/worker#1/tool#${index + 1}`;
      const word = said[index] as Word;
      if (word === "leave") continue;
      if (word === "approve") await office.approvals.approve(tenant, address, as("boss"));
      else if (word === "reject") await office.approvals.reject(tenant, address, as("boss"));
      else {
        const { next = "" } = await office.approvals.edit(tenant, address, { id: `e${index}` }, as("boss"));
        await anew();
        if (word === "edit") await office.approvals.approve(tenant, next, as("second"));
        else await office.approvals.reject(tenant, next, as("second"));
      }
      await anew();
    }
    await engine.idle();
    if (said.includes("leave")) clock.advance(expiresMs);
    const found = await office.find(run.id, { tenant });
    const result = await found.result();
    const entries = await found.entries();
    const report = await office.replay(run.id, { tenant });
    await engine.close();
    return { result, entries, report, till, results };
  };

  test("for every word on each, in any order, have one result each, and what was approved or edited alone is done", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...Array.from({ length: 4 }, () => fc.constantFrom(...words))),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        fc.boolean(),
        async (said, order, crash) => {
          const { result, entries, report, till, results } = await play(said, order, crash);
          expect(result.status).toBe("completed");
          expect(report.fault).toBeUndefined();
          const wanted = said.flatMap((word, index) =>
            word === "approve" ? [`i${index}`] : word === "edit" ? [`e${index}`] : [],
          );
          // A process that dies while a write is out has it called again, under the same key.
          expect([...new Set(till.ids("wipe_disk"))].sort()).toEqual(wanted.sort());
          expect(till.effects.size).toBe(wanted.length);
          // Also a model that was asked as its process died is asked again.
          expect(results.slice(-1)).toMatchObject([
            {
              role: "tool",
              results: said.map((word, index) => ({
                callId: `c${index}`,
                status: word === "approve" || word === "edit" ? "done" : "denied",
                ...(word.startsWith("edit") ? { edited: { id: `e${index}` } } : {}),
              })),
            },
          ]);
          const codes = bodies(entries, "tool.denied").map(({ error }) => error.code);
          const count = (code: string) => codes.filter((one) => one === code).length;
          expect(count("approval/expired")).toBe(said.filter((word) => word === "leave").length);
          expect(count("approval/rejected")).toBe(said.filter((word) => word.endsWith("reject")).length);
        },
      ),
      { numRuns: Number(process.env.REMIT_PROPERTY_RUNS ?? 40) },
    );
  }, 120_000);

  test("all assignments of approve, reject and edit, each with its arguments", async () => {
    const three = ["approve", "reject", "edit"] as const;
    for (let number = 0; number < 81; number++) {
      const said = [0, 1, 2, 3].map((index) => three[Math.floor(number / 3 ** index) % 3] as Word);
      const { till, result } = await play(said, [3, 1, 0, 2], false);
      expect(result.status).toBe("completed");
      const wanted = said.flatMap((word, index) =>
        word === "approve" ? [`i${index}`] : word === "edit" ? [`e${index}`] : [],
      );
      expect(till.ids("wipe_disk").sort()).toEqual(wanted.sort());
    }
  }, 120_000);
});

describe("approvals in a team in a team in a team", () => {
  test("answered last one first, with a crash between any two, are done in that order and once each", async () => {
    const ids = ["a", "b", "c"];
    for (let crashes = 0; crashes < 2 ** ids.length; crashes++) {
      const clock = fakeClock();
      const journal = memoryJournal();
      const till = new Till();
      const model = turns({ worker: [ids.map((id) => call("wipe_disk", id, id)), says("ok")] });
      let engine = over(journal, clock);
      const definition = nestOffice(defineOffice({ till, approvals }), 3);
      const open = (): Office => openOffice(definition, { engine, model, snapshotEvery: 1 });
      let office = open();
      const run = await office.start(input, start);
      await run.settled();
      const cases = await office.approvals.list({ tenant });
      expect(cases.map(({ effect }) => effect)).toEqual(
        ids.map((_, index) => `team_2#1/team_1#1/worker#1/tool#${index + 1}`),
      );
      for (const [index, { address }] of cases.toReversed().entries()) {
        if (crashes & (2 ** index)) {
          await engine.close();
          engine = over(journal, clock);
          office = open();
          await office.resume();
        }
        await office.approvals.approve(tenant, address, as("boss"));
        await engine.idle();
      }
      const found = await office.find(run.id, { tenant });
      expect(await found.result()).toMatchObject({ status: "completed", output: { text: "ok" } });
      expect(till.ids("wipe_disk")).toEqual(["c", "b", "a"]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
      await engine.close();
    }
  });
});

test("an old journal, of the policy before tiers, asks nobody and tries nothing again", async () => {
  const engine = memoryEngine();
  const till = new Till();
  const model = turns({ worker: [[call("wipe_disk", "a")], says("ok")] });
  const office = makeOffice({ engine, model, till });
  const { definition } = office;
  const key = { tenant, runId: "run_old" };
  await engine.deliver(key, `${definition.name}@${definition.hash}`, {
    id: "start",
    type: "run.started",
    path: "",
    body: {
      supervisor: definition.name,
      definitionHash: definition.hash,
      input,
      principal: user("u"),
      labels: { "": ["user"] },
      format: 1,
    },
  });
  const run = await office.find(key.runId, { tenant });
  expect((await run.result()).status).toBe("completed");
  expect(till.ids("wipe_disk")).toEqual(["a"]);
  expect(bodies(await run.entries(), "effect.intended")).toMatchObject([
    { decision: { ruleId: "allowlist", policyVersion: "allowlist-1" } },
  ]);
  expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
  await engine.close();
});
