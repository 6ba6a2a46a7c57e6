import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineSpecialist,
  defineTool,
  type Engine,
  type Json,
  type Model,
  remoteAgent,
  serveSpecialist,
  user,
} from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { allDetectors } from "@remit/tools/detect";
import { expect, test } from "vitest";
import { z } from "zod";
import { canaries, heard } from "./plant.ts";

/** Values that go to a specialist elsewhere and come back: tokens in both journals, open at its tool alone. */

const sealing = { vault: { key: Buffer.alloc(32, 13) }, seal: { detectors: allDetectors() } };
const { email = "", iban = "" } = canaries;
const text = z.object({ text: z.string() });
const mails = defineSpecialist({
  name: "mails",
  description: "Sends a mail.",
  input: text,
  output: text,
  tools: { send_mail: { effect: "write" } },
});

/** Says what it was told, and calls the tool with that where there is one. */
const echo: Model = {
  id: "echo",
  cost: "zero",
  generate: ({ messages, input, tools }) => {
    const said = messages.findLast(({ role }) => role === "tool");
    if (tools.length > 0 && !said) {
      return { parts: [{ type: "toolCall", callId: "1", tool: "send_mail", input: input as Json }] };
    }
    return { parts: [{ type: "output", value: input as Json }] };
  },
};

function serve(engine: Engine, told: unknown[]) {
  const send = defineTool({
    name: "send_mail",
    description: "Sends it.",
    input: text,
    output: text,
    effect: "write",
    risk: "low",
    idempotency: "key",
    reveals: ["email"],
    execute: (input) => {
      told.push(input);
      return { text: "sent" };
    },
  });
  const sender = defineAgent({
    name: "sender",
    description: "",
    instructions: "",
    model: "m",
    tools: [send],
    input: text,
    output: text,
  });
  return serveSpecialist({ specialist: mails, agent: sender, engine, models: { m: echo }, ...sealing });
}

function deskAt(engine: Engine) {
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    instructions: "",
    model: "m",
    tools: [],
    input: text,
    output: text,
  });
  const far = remoteAgent(mails);
  return createSupervisor({
    agents: { clerk, mails: far },
    entry: "clerk",
    exit: "mails",
    handoffs: [defineHandoff({ from: clerk, to: far, map: (one) => one })],
    engine,
    models: { m: echo },
    answers: { reveals: ["email"] },
    ...sealing,
  });
}

async function inFolder(act: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "remit-seal-far-"));
  try {
    await act(join(folder, "journal.db"), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const input = { text: `write to ${email}, not from ${iban}` };
const start = { tenant: "acme", principal: user("u_1") };

test("R12 a value that a specialist gets and gives back is a token in both journals", () =>
  inFolder(async (path, folder) => {
    const told: unknown[] = [];
    const engine = sqliteEngine({ path });
    await serve(engine, told).ready();
    const desk = deskAt(engine);
    const run = await desk.start(input, start);
    const said = { text: expect.stringMatching(/^write to quentin\.canary\+q7@birdsong\.example\.org, not from ZZ/) };
    expect(await run.result()).toMatchObject({ status: "completed", output: said });
    expect(told).toEqual([said]);
    expect((await desk.replay(run.id, { tenant: "acme" })).fault).toBeUndefined();
    expect(heard(folder)).toEqual([]);
    await engine.close();
    expect(heard(folder)).toEqual([]);
  }));

test("R12 where it would have to be left in a journal in the clear it is not sent", () =>
  inFolder(async (path, folder) => {
    const told: unknown[] = [];
    const [one, other] = [sqliteEngine({ path }), sqliteEngine({ path })];
    const agency = serve(one, told);
    await agency.ready();
    const desk = deskAt(other);
    const run = await desk.start(input, start);
    expect(await run.result()).toMatchObject({ status: "failed", error: { code: "specialist/values-sealed" } });
    const plain = await desk.start({ text: "hello" }, start);
    expect(await plain.result()).toMatchObject({ status: "completed", output: { text: "hello" } });
    expect(told).toEqual([{ text: "hello" }]);
    agency.close();
    await Promise.all([one.close(), other.close()]);
    expect(heard(folder)).toEqual([]);
  }));

test("R12 a specialist that refuses a value in its own words leaves it in neither journal", () =>
  inFolder(async (path, folder) => {
    const engine = sqliteEngine({ path });
    const picky = defineSpecialist({
      name: "picky",
      description: "Serves some.",
      input: z.object({
        text: z.string().refine((said) => !said.includes(email), { error: ({ input }) => `nobody here will ${input}` }),
      }),
      output: text,
    });
    const agent = (name: string) =>
      defineAgent({ name, description: "", instructions: "", model: "m", tools: [], input: text, output: text });
    const agency = serveSpecialist({
      specialist: picky,
      agent: agent("teller"),
      engine,
      models: { m: echo },
      ...sealing,
    });
    await agency.ready();
    const clerk = agent("clerk");
    const far = remoteAgent(picky);
    const desk = createSupervisor({
      agents: { clerk, picky: far },
      entry: "clerk",
      exit: "picky",
      handoffs: [defineHandoff({ from: clerk, to: far, map: (one) => one })],
      engine,
      models: { m: echo },
      ...sealing,
    });
    const run = await desk.start(input, start);
    expect(await run.result()).toMatchObject({ status: "failed" });
    const entries = await run.entries();
    const [started] = entries.flatMap((entry) => (entry.type === "run.started" ? [entry.body.input] : []));
    const own = (started as { readonly text: string }).text;
    expect(JSON.stringify(entries)).toContain(JSON.stringify(`nobody here will ${own}`));
    await engine.close();
    expect(heard(folder)).toEqual([]);
  }));

test("R12 what one of two runs knows by its own schemas is a token in the journal of the other as well", () =>
  inFolder(async (path, folder) => {
    const engine = sqliteEngine({ path });
    const look = defineTool({
      name: "look_up",
      description: "Looks somebody up.",
      input: text,
      output: z.object({ name: z.string().meta({ dataClass: "person" }) }),
      effect: "read",
      execute: () => ({ name: "Grace Hopper" }),
    });
    const finds = defineSpecialist({
      name: "finds",
      description: "Finds somebody.",
      input: text,
      output: text,
      tools: { look_up: { effect: "read" } },
    });
    const finder = defineAgent({
      name: "finder",
      description: "",
      instructions: "",
      model: "m",
      tools: [look],
      input: text,
      output: text,
    });
    const finding: Model = {
      id: "finding",
      cost: "zero",
      generate: ({ messages, input: asked }) => {
        const said = messages.findLast((message) => message.role === "tool")?.results[0];
        if (said?.status !== "done") {
          return { parts: [{ type: "toolCall", callId: "1", tool: "look_up", input: asked as Json }] };
        }
        return { parts: [{ type: "output", value: { text: `${(said.output as { name: string }).name} was found` } }] };
      },
    };
    await serveSpecialist({ specialist: finds, agent: finder, engine, models: { m: finding }, ...sealing }).ready();
    const clerk = defineAgent({
      name: "clerk",
      description: "",
      instructions: "",
      model: "m",
      tools: [],
      input: z.object({ name: z.string().meta({ dataClass: "person" }) }),
      output: text,
    });
    const far = remoteAgent(finds);
    const asking: Model = {
      id: "asking",
      cost: "zero",
      generate: ({ input: asked }) => {
        const { name } = asked as { readonly name: string };
        return { parts: [{ type: "output", value: { text: `who is ${name}?` } }] };
      },
    };
    const desk = createSupervisor({
      agents: { clerk, finds: far },
      entry: "clerk",
      exit: "finds",
      handoffs: [defineHandoff({ from: clerk, to: far, map: (one) => one })],
      engine,
      models: { m: asking },
      answers: { reveals: ["person"] },
      ...sealing,
    });
    const run = await desk.start({ name: "Ada Lovelace" }, start);
    expect(await run.result()).toMatchObject({ status: "completed", output: { text: "Grace Hopper was found" } });
    expect((await desk.replay(run.id, { tenant: "acme" })).fault).toBeUndefined();
    await engine.close();
    const stored = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), "latin1"))
      .join("");
    expect(stored).not.toContain("Lovelace");
    expect(stored).not.toContain("Hopper");
  }));
