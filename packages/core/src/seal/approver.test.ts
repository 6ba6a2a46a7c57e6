import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { operator, user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { defineTool } from "../tool.ts";
import type { SealSettings } from "./settings.ts";
import { classStream, openVault, passingId } from "./vault.ts";
import { withheldIn } from "./withheld.ts";

const key = Buffer.alloc(32, 7);
const payment = {
  to: z.string().meta({ dataClass: "person" }),
  mail: z.string().meta({ dataClass: "email" }),
  cents: z.int(),
};
const given = { to: "Ada Lovelace", mail: "ada@example.org", cents: 900 };
const values = ["Ada Lovelace", "ada@example.org"];
const input = z.object(payment);

/** A payment that waits for a person; leads are cleared for names, auditors for all, clerks for nothing. */
async function waiting(seal: SealSettings | "off" = {}, more: object = {}) {
  const engine = memoryEngine();
  const paid: unknown[] = [];
  const pay = defineTool({
    name: "pay_out",
    description: "Pays.",
    input,
    output: z.object({ text: z.string() }),
    effect: "write",
    risk: "high",
    idempotency: "key",
    reveals: ["*"],
    execute: (one) => {
      paid.push(one);
      return { text: "paid" };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Pays.",
    instructions: "Pay.",
    model: "m",
    tools: [pay],
    input,
    output: z.object({ text: z.string() }),
  });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    ...(seal === "off"
      ? {}
      : { vault: { key }, seal: { operators: { lead: ["person"], auditor: ["*"], nobody: [] }, ...seal } }),
    models: {
      m: {
        id: "m",
        cost: "zero",
        generate: ({ messages, input: asked }) => {
          if (messages.some(({ role }) => role === "tool"))
            return { parts: [{ type: "output", value: { text: "done" } }] };
          return { parts: [{ type: "toolCall", callId: "1", tool: "pay_out", input: asked }] };
        },
      },
    },
    ...more,
  });
  const run = await supervisor.start(given, { tenant: "acme", principal: user("u_1") });
  await run.settled();
  const [open] = await run.approvals();
  if (!open) throw new Error("nothing waits");
  const reveal = (principal = operator("jo", ["lead"]), tenant = "acme") =>
    supervisor.approvals.reveal(tenant, open.address, { principal });
  const disclosed = () => supervisor.disclosures(run.id, { tenant: "acme" });
  return { engine, supervisor, run, open, reveal, disclosed, paid };
}

describe("who decides may see what they decide on", () => {
  test("the classes of their roles, in arguments alone, and that is on record before they have it", async () => {
    const { reveal, disclosed, open, run, supervisor } = await waiting();
    expect(await disclosed()).toEqual([]);
    const shown = await reveal();
    expect(shown.input).toEqual({ ...given, mail: expect.stringMatching(/^[a-z0-9]{14}@sealed\.invalid$/) });
    expect(shown.revealed).toEqual(["person"]);
    expect(shown.withheld).toEqual([{ class: "email", why: "not-cleared", pointers: ["/input/mail"] }]);
    expect(shown.binding).toBe(open.binding);
    const sealed = open.input as typeof given;
    const to = { kind: "approver", name: "jo" };
    expect(await disclosed()).toMatchObject([{ to, path: open.effect, tokens: { person: [sealed.to] } }]);
    // N2: the same person sees the same value again; another one does for the first time.
    await reveal();
    expect(await disclosed()).toHaveLength(1);
    const all = await reveal(operator("kim", ["auditor"]));
    expect([all.input, all.withheld]).toEqual([given, []]);
    expect((await disclosed()).map((one) => one.to.name)).toEqual(["jo", "kim"]);
    // Nothing else has a value: neither what the others look at nor what is journaled.
    const elsewhere = [await supervisor.approvals.list({ tenant: "acme" }), await run.entries(), await disclosed()];
    for (const value of values) expect(JSON.stringify(elsewhere)).not.toContain(value);
  });

  test("an edit of what was shown is sealed again, and shows before and after", async () => {
    const { reveal, supervisor, open, run, paid } = await waiting();
    const { input: seen } = await reveal(operator("kim", ["auditor"]));
    const changed = { ...(seen as typeof given), mail: "lovelace@example.org" };
    const { next = "" } = await supervisor.approvals.edit("acme", open.address, changed, {
      reason: "her new address",
      principal: operator("kim", ["auditor"]),
    });
    const second = await supervisor.approvals.reveal("acme", next, { principal: operator("lou", ["auditor"]) });
    expect(second.diff).toEqual([{ path: "/mail", before: "ada@example.org", after: "lovelace@example.org" }]);
    await supervisor.approvals.approve("acme", next, { reason: "right", principal: operator("lou") });
    await run.result();
    expect(paid).toEqual([changed]);
    expect(JSON.stringify(await run.entries())).not.toMatch(/lovelace@|Ada/);
  });

  test("a role that is cleared for nothing is refused, sees tokens as ever, and nothing is on record", async () => {
    const { reveal, disclosed, supervisor, open } = await waiting();
    for (const roles of [[], ["clerk"], ["nobody"], ["*"], ["__proto__"]]) {
      await expect(reveal(operator("sam", roles))).rejects.toMatchObject({
        code: "approval/reveal-not-allowed",
        data: { principal: "sam", effect: open.effect },
      });
    }
    const shown = await supervisor.approvals.show("acme", open.address, { principal: operator("sam") });
    expect(shown.input).toEqual(open.input);
    expect(await disclosed()).toEqual([]);
  });

  test("who may not decide may not see: who asked, who has not the rule's role, another tenant, no operator", async () => {
    const own = await waiting({ operators: { "*": ["*"] } });
    await expect(own.reveal(user("u_1"))).rejects.toMatchObject({ code: "approval/self-approval" });
    await expect(own.reveal(operator("jo"), "globex")).rejects.toMatchObject({ code: "approval/unknown" });
    expect((await own.reveal(operator("jo"))).input).toEqual(given);
    const roles = { start: ["*"], see: ["*"], approve: ["lead"] };
    const closed = await waiting({ operators: { "*": ["*"] } }, { roles });
    await expect(closed.reveal(operator("jo", ["clerk"]))).rejects.toMatchObject({
      code: "policy/operator-not-allowed",
      data: { action: "approve" },
    });
    expect((await closed.reveal(operator("jo", ["lead"]))).input).toEqual(given);
    const unseen = await waiting({ operators: { "*": ["*"] } }, { roles: { ...roles, see: ["auditor"] } });
    await expect(unseen.reveal(operator("jo", ["lead"]))).rejects.toMatchObject({ data: { action: "see" } });
    for (const { disclosed } of [closed, own]) expect(await disclosed()).toHaveLength(1);
  });

  test("what was decided is shown to nobody any more", async () => {
    const { reveal, supervisor, open } = await waiting();
    await supervisor.approvals.reject("acme", open.address, { reason: "no", principal: operator("jo") });
    await expect(reveal()).rejects.toMatchObject({ code: "approval/unknown" });
  });

  test("a masked value and an erased one say so", async () => {
    const masked = await waiting({ classes: { person: "mask" } });
    const shown = await masked.reveal(operator("kim", ["auditor"]));
    expect(shown.withheld).toEqual([{ class: "person", why: "masked", pointers: ["/input/to"] }]);
    const { engine, reveal, run } = await waiting();
    await engine.journal.erase([classStream({ tenant: "acme", runId: run.id }, "email")]);
    const left = await reveal(operator("kim", ["auditor"]));
    expect(left.input).toMatchObject({ to: "Ada Lovelace", mail: expect.stringContaining("@sealed.invalid") });
    expect(left.withheld).toEqual([{ class: "email", why: "erased", pointers: [] }]);
  });

  test("a value whose key is not there says so", async () => {
    const { journal } = memoryEngine();
    const at = { tenant: "acme", runId: "run_1" };
    const passing = { id: passingId, bytes: Buffer.alloc(32, 9) };
    const parts = { key: at, journal, now: () => 0, salt: () => "0123456789012345678901", passing };
    const vault = await openVault({ ...parts, keys: [{ id: "old", bytes: Buffer.alloc(32, 1) }] });
    const token = vault.seal("email", "ada@example.org", true);
    await vault.flush();
    const later = await openVault({ ...parts, keys: [{ id: "new", bytes: Buffer.alloc(32, 2) }] });
    expect(withheldIn({ to: [`mail ${token}`] }, later)).toEqual([
      { class: "email", why: "key-missing", pointers: ["/to/0"] },
    ]);
  });

  test("where nothing is sealed it is what everybody sees", async () => {
    const { reveal, open } = await waiting("off");
    expect(await reveal()).toEqual({ ...open, revealed: [], withheld: [] });
  });
});
