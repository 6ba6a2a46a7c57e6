import { type Grant, memoryEngine, user } from "@remit/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bodies } from "../contract/engine-approvals.ts";
import { call, turns } from "../contract/engine-desk.ts";
import { judges, makeOffice, packs, says, Till } from "../contract/engine-office.ts";

const tenant = "acme";
const names = ["look_up", "send_note", "move_money", "wipe_disk", "take_back", "restore_disk"] as const;
const undoOf: Readonly<Record<string, string>> = {
  send_note: "take_back",
  move_money: "take_back",
  wipe_disk: "restore_disk",
};
const arbGrant: fc.Arbitrary<Grant> = fc.record(
  { tools: fc.subarray([...names]), effects: fc.constant("read" as const) },
  { requiredKeys: [] },
);

test("R6 neither a judge's allow, nor a person's, nor an undo reaches beyond what tenant and run were granted", async () => {
  await fc.assert(
    fc.asyncProperty(
      arbGrant,
      arbGrant,
      arbGrant,
      fc.shuffledSubarray(["send_note", "move_money", "wipe_disk"], { minLength: 1 }),
      async (own, run, later, wanted) => {
        const engine = memoryEngine();
        const till = new Till();
        const model = turns({
          worker: [wanted.map((tool, index) => call(tool, `i${index}`, `c${index}`)), says("ok")],
          compliance: Array(3).fill(judges("allow")),
          reviewer: Array(3).fill(packs("it")),
        });
        const common = { engine, model, till, judges: ["compliance", "reviewer"] } as const;
        const allowed = (tool: string, ...grants: readonly Grant[]) =>
          grants.every(
            ({ tools, effects }) => (tools?.includes(tool) ?? true) && (effects !== "read" || tool === "look_up"),
          );
        const office = makeOffice({ ...common, tenants: { [tenant]: own } });
        const started = await office.start({ text: "go" }, { tenant, principal: user("u"), grant: run });
        const approveAll = async (one: typeof started, at = office) => {
          await one.settled();
          for (const { address } of await one.approvals()) {
            await at.approvals.approve(tenant, address, { principal: user("boss"), reason: "" });
          }
        };
        await approveAll(started);
        expect((await started.result()).status).toBe("completed");
        const done = wanted.filter((tool) => allowed(tool, own, run));
        expect(till.calls.map(({ tool }) => tool).sort()).toEqual([...done].sort());

        // What the tenant may has changed meanwhile: its undo keeps to that of today.
        till.calls.length = 0;
        const bound = makeOffice({ ...common, tenants: { [tenant]: later } });
        if (done.length > 0) {
          const undo = await bound.compensate(started.id, { tenant });
          await approveAll(undo as never, bound);
          expect((await undo.result()).status).toBe("completed");
          expect(bodies(await undo.entries(), "tool.denied")).toEqual([]);
          expect((await bound.replay(undo.id, { tenant })).fault).toBeUndefined();
        }
        const undone = done.map((tool) => undoOf[tool] ?? "").filter((tool) => allowed(tool, later));
        expect(till.calls.map(({ tool }) => tool).sort()).toEqual(undone.sort());
        expect((await office.replay(started.id, { tenant })).fault).toBeUndefined();
        await engine.close();
      },
    ),
    { numRuns: Number(process.env.REMIT_PROPERTY_RUNS ?? 60) },
  );
}, 60_000);
