import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSupervisor, defineAgent, defineTool, type Engine, operator, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { allDetectors } from "@remit/tools/detect";
import { expect, test } from "vitest";
import { z } from "zod";
import { canaries, heard, heardIn } from "./plant.ts";

/** Values that pass from one place to another, a tool's question or the undo of a write: tokens on the way, open at its end. */

const sealing = {
  vault: { key: Buffer.alloc(32, 13) },
  seal: { detectors: allDetectors(), operators: { lead: ["email"] } },
};
const { email = "", iban = "", token = "" } = canaries;

async function inFolder(act: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "remit-hand-over-"));
  try {
    await act(join(folder, "journal.db"), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const text = z.object({ text: z.string() });

/** A tool that asks for an address and an account, and may have the first of them alone. */
function office(engine: Engine, told: unknown[], asked: () => void = () => {}) {
  const openAccount = defineTool({
    name: "open_account",
    description: "Opens an account.",
    input: text,
    output: z.object({ opened: z.string() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    reveals: ["email"],
    execute: async (input, { elicit }) => {
      const answer = await elicit?.({
        mode: "form",
        message: `Is ${email} right, with ${token}?`,
        schema: {
          type: "object",
          properties: { mail: { type: "string" }, account: { type: "string" } },
          required: ["mail", "account"],
        },
      });
      told.push({ input, answer });
      return { opened: `for ${email}` };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Opens accounts.",
    instructions: "Open.",
    model: "m",
    tools: [openAccount],
    input: text,
    output: text,
  });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    ...sealing,
    models: {
      m: {
        id: "m",
        cost: "zero",
        generate: ({ messages, input }) => {
          if (messages.some(({ role }) => role === "tool"))
            return { parts: [{ type: "output", value: { text: "done" } }] };
          return { parts: [{ type: "toolCall", callId: "1", tool: "open_account", input: input as never }] };
        },
      },
    },
  });
  supervisor.on("question.opened", asked);
  return supervisor;
}

test.each(["here", "from another process"])(
  "what a tool asks and is answered %s is tokens until the tool has it",
  (where) =>
    inFolder(async (path, folder) => {
      const told: unknown[] = [];
      const opened = Promise.withResolvers<void>();
      const engine = sqliteEngine({ path });
      const supervisor = office(engine, told, () => opened.resolve());
      const run = await supervisor.start({ text: `I am ${email}` }, { tenant: "acme", principal: user("u_1") });
      await opened.promise;
      const other = sqliteEngine({ path });
      const inbox = where === "here" ? supervisor : office(other, told);
      const [question] = await inbox.approvals.questions({ tenant: "acme" });
      expect(question?.message).toMatch(/^Is \S+@sealed\.invalid right, with sealed_\w+\?$/);
      const content = { mail: email, account: iban };
      const taken = await inbox.approvals.answer("acme", question?.address ?? "", {
        action: "accept",
        content,
        reason: `${email} says so`,
        principal: operator("jo"),
      });
      expect(taken.outcome).toBe("answered");
      expect((await run.result()).status).toBe("completed");
      expect(told).toEqual([
        {
          input: { text: `I am ${email}` },
          answer: { action: "accept", content: { mail: email, account: expect.stringMatching(/^ZZ/) } },
        },
      ]);
      const types = (await engine.journal.read({ tenant: "acme", kind: "answers", id: run.id })).length;
      expect(types).toBe(where === "here" ? 0 : 1);
      expect(heard(folder)).toEqual([]);
      expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
      await Promise.all([engine.close(), other.close()]);
      expect(heard(folder)).toEqual([]);
    }),
);

const guest = z.object({ name: z.string().meta({ dataClass: "person" }), mail: z.string(), note: z.string() });
const quentin = { name: "Quentin Canary", mail: email, note: `pays from ${iban}` };

/** Books for a guest; the undo may have the address alone, and waits for a person. */
function house(engine: Engine, told: unknown[], isDown = () => false) {
  const write = { effect: "write", idempotency: "key", output: z.object({ of: z.string() }) } as const;
  const unbook = defineTool({
    ...write,
    name: "unbook",
    description: "Gives it back.",
    input: guest,
    risk: "high",
    reveals: ["email"],
    execute: (input) => {
      told.push({ unbook: input });
      if (isDown()) throw new Error(`no line to ${quentin.name} at ${email}`);
      return { of: `${email}, ${quentin.name}` };
    },
  });
  const book = defineTool({
    ...write,
    name: "book",
    description: "Books.",
    input: guest,
    risk: "low",
    reveals: ["*"],
    undo: { tool: unbook, input: (asked, { of }) => ({ ...asked, note: `${asked.note}, booked for ${of}` }) },
    execute: (input) => {
      told.push({ book: input });
      return { of: email };
    },
  });
  const host = defineAgent({
    name: "host",
    description: "Books.",
    instructions: "Book.",
    model: "m",
    tools: [book],
    input: guest,
    output: text,
  });
  return createSupervisor({
    agents: { host },
    entry: "host",
    exit: "host",
    handoffs: [],
    engine,
    ...sealing,
    check: "log",
    models: {
      m: {
        id: "m",
        cost: "zero",
        generate: ({ messages, input }) => {
          if (messages.some(({ role }) => role === "tool"))
            return { parts: [{ type: "output", value: { text: "done" } }] };
          return { parts: [{ type: "toolCall", callId: "1", tool: "book", input: input as never }] };
        },
      },
    },
  });
}

test("an undo is made of tokens and carries them into its own run; its tool gets what it reveals, and no more", () =>
  inFolder(async (path, folder) => {
    const told: unknown[] = [];
    let engine = sqliteEngine({ path });
    const before = house(engine, told);
    const run = await before.start(quentin, { tenant: "acme", principal: user("u_1") });
    expect((await run.result()).status).toBe("completed");
    const [done] = await run.effects();
    const planned = done?.undo?.input as typeof quentin;
    expect(heardIn(JSON.stringify(planned))).toEqual([]);
    expect(planned.name).toMatch(/^sealed_person_/);
    await engine.close();

    // Somebody else undoes it, later, in another process.
    engine = sqliteEngine({ path });
    const after = house(engine, told);
    const back = await after.compensate(run.id, { tenant: "acme", principal: operator("jo") });
    await back.settled();
    const [open] = await back.approvals();
    const asked = open?.input as typeof quentin;
    expect(heardIn(JSON.stringify(open))).toEqual([]);
    // Tokens of one run mean nothing in another.
    expect(asked.mail).toMatch(/@sealed\.invalid$/);
    expect(asked.mail).not.toBe(planned.mail);
    expect(asked.name).not.toBe(planned.name);
    const lead = { principal: operator("kim", ["lead"]) };
    const shown = await after.approvals.reveal("acme", open?.address ?? "", lead);
    expect(shown.input).toEqual({ ...asked, mail: email, note: asked.note.replace(asked.mail, email) });
    await after.approvals.approve("acme", open?.address ?? "", { reason: `${email} wants it`, ...lead });
    const result = await back.result();
    expect(result).toMatchObject({ status: "completed", output: { undone: [{ tool: "unbook" }], failed: [] } });
    expect(heardIn(JSON.stringify(result))).toEqual([]);
    expect(told).toEqual([
      { book: quentin },
      {
        unbook: {
          name: asked.name,
          mail: email,
          note: expect.stringMatching(/^pays from ZZ.*, booked for quentin\.canary\+q7@birdsong\.example\.org$/),
        },
      },
    ]);
    const to = (await after.disclosures(back.id, { tenant: "acme" })).map((one) => [one.to.kind, one.to.name]);
    expect(to).toEqual([
      ["approver", "kim"],
      ["tool", "unbook"],
    ]);
    // That a run's values went into the other one is on record at the first.
    expect(await after.disclosures(run.id, { tenant: "acme" })).toMatchObject([
      { to: { kind: "tool", name: "book" } },
      { to: { kind: "run", name: back.id } },
    ]);
    expect(await after.replay(back.id, { tenant: "acme" })).toMatchObject({ ok: true });
    expect([heard(folder), JSON.stringify(await back.entries()).includes("Canary")]).toEqual([[], false]);
    await engine.close();
    expect(heard(folder)).toEqual([]);
  }));

test("an undo that fails says so in tokens", () =>
  inFolder(async (path, folder) => {
    const engine = sqliteEngine({ path });
    const supervisor = house(engine, [], () => true);
    const run = await supervisor.start(quentin, { tenant: "acme", principal: user("u_1") });
    await run.result();
    const back = await supervisor.compensate(run.id, { tenant: "acme", principal: operator("jo") });
    await back.settled();
    const [open] = await back.approvals();
    await supervisor.approvals.approve("acme", open?.address ?? "", { reason: "yes", principal: operator("kim") });
    await back.settled();
    const entries = JSON.stringify(await back.entries());
    expect(entries).toContain("no line to sealed_person_");
    expect([heardIn(entries), entries.includes("Quentin")]).toEqual([[], false]);
    await engine.close();
    expect(heard(folder)).toEqual([]);
  }));
