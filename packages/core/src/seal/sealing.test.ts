import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { ResponsePart } from "../event.ts";
import { defineQuestion } from "../handoff.ts";
import { labelled } from "../label/labelled.ts";
import { memoryModelCache } from "../model/cache.ts";
import type { Engine } from "../port/engine.ts";
import type { ModelRequest } from "../port/model.ts";
import { operator } from "../principal.ts";
import type { RuntimeOptions } from "../supervisor/options.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { type AnyTool, defineTool } from "../tool.ts";
import { emails } from "./emails.test.data.ts";

const key = Buffer.alloc(32, 7);

function office(options: {
  readonly reveals?: readonly string[];
  readonly modelReveals?: readonly string[];
  readonly answers?: readonly string[];
  readonly refuse?: boolean;
}) {
  const engine = memoryEngine();
  const heard: unknown[] = [];
  const asked: ModelRequest[] = [];
  const find = defineTool({
    name: "find_person",
    description: "Finds a person.",
    effect: "read",
    input: z.object({ email: z.email() }),
    output: z.object({ name: z.string().meta({ dataClass: "person" }), note: z.string() }),
    reveals: options.reveals ?? [],
    execute: (input) => {
      heard.push(input);
      return { name: "Ada Lovelace", note: `Ada Lovelace writes from ${input.email}` };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    instructions: "Answer.",
    model: "fast",
    tools: [find],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
  });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    vault: { key },
    seal: { detectors: [emails], ...(options.refuse ? { classes: { email: "refuse" } } : {}) },
    answers: { reveals: options.answers ?? [] },
    models: {
      fast: {
        id: "one",
        cost: "zero",
        reveals: options.modelReveals ?? [],
        generate: (request) => {
          asked.push(request);
          const { text } = request.input as { readonly text: string };
          const [email = "none@none.example"] = /[\w.+-]+@[\w.-]+\w/.exec(text) ?? [];
          const last = request.messages.at(-1);
          if (last?.role !== "tool") {
            return { parts: [{ type: "toolCall", callId: "1", tool: "find_person", input: { email } }] };
          }
          const [result] = last.results;
          const note = result?.status === "done" ? (result.output as { note: string }).note : JSON.stringify(result);
          return { parts: [{ type: "output", value: { text: `${note} (${email})` } }] };
        },
      },
    },
  });
  const start = () => supervisor.start({ text: "who is ada@example.org?" }, { tenant: "acme" });
  return { engine, supervisor, start, heard, asked };
}

const secrets = ["ada@example.org", "Ada Lovelace"];

describe("E1 the core sees tokens", () => {
  test("nothing that was sealed is in any entry; a tool that reveals a class gets the value", async () => {
    const { start, heard, supervisor } = office({ reveals: ["email"] });
    const run = await start();
    const result = await run.result();
    expect(result.status).toBe("completed");
    expect(heard).toEqual([{ email: "ada@example.org" }]);
    const text = JSON.stringify(await run.entries());
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).toContain("@sealed.invalid");
    expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toMatchObject([
      { to: { kind: "tool", name: "find_person" }, path: "clerk#1/tool#1", tokens: { email: [expect.any(String)] } },
    ]);
    expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
  });

  test("a tool that reveals nothing gets tokens that its schema takes", async () => {
    const { start, heard, supervisor } = office({});
    const run = await start();
    expect((await run.result()).status).toBe("completed");
    expect(heard).toEqual([{ email: expect.stringMatching(/^[a-z0-9]{14}@sealed\.invalid$/) }]);
    expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toEqual([]);
  });

  test("a model sees tokens, or the classes that it reveals; what it says is sealed again", async () => {
    const blind = office({ reveals: ["email"] });
    await (await blind.start()).result();
    expect(JSON.stringify(blind.asked)).not.toContain("ada@example.org");
    const seeing = office({ modelReveals: ["email"] });
    const run = await seeing.start();
    await run.result();
    expect(JSON.stringify(seeing.asked)).toContain("ada@example.org");
    expect(JSON.stringify(seeing.asked)).not.toContain("Ada Lovelace");
    expect(JSON.stringify(await run.entries())).not.toContain("ada@example.org");
    expect(await seeing.supervisor.disclosures(run.id, { tenant: "acme" })).toMatchObject([
      { to: { kind: "model", name: "one" } },
    ]);
  });

  test("who asks for the result gets the classes that answers reveal", async () => {
    const { start } = office({ reveals: ["email"], answers: ["person"] });
    const result = await (await start()).result();
    expect(result).toMatchObject({
      output: { text: expect.stringMatching(/^Ada Lovelace writes from \w+@sealed\.invalid \(\w+@sealed\.invalid\)$/) },
    });
    const all = office({ answers: ["*"] });
    expect(await (await all.start()).result()).toMatchObject({
      output: { text: "Ada Lovelace writes from ada@example.org (ada@example.org)" },
    });
  });

  test("what holds a refused class does not come in", async () => {
    const { start } = office({ refuse: true });
    await expect(start()).rejects.toMatchObject({
      code: "run/input-invalid",
      data: { issues: [{ pointer: "/text", message: "a value of the class email, which is refused here" }] },
    });
  });

  test("what a model says has failed where it holds a refused class, and is in no entry", async () => {
    const { supervisor, heard } = office({ refuse: true });
    const run = await supervisor.start({ text: "who is it?" }, { tenant: "acme" });
    expect(await run.result()).toMatchObject({
      status: "failed",
      error: {
        code: "model/response-invalid",
        data: { model: "one", reason: "/email: a value of the class email, which is refused here" },
      },
    });
    expect(heard).toEqual([]);
    expect(JSON.stringify(await run.entries())).not.toContain("none@none.example");
  });
});

test.each<[string, ResponsePart]>([
  ["the id of a call", { type: "toolCall", callId: "ada@example.org", tool: "find_person", input: {} }],
  ["the name of a tool that is none", { type: "toolCall", callId: "1", tool: "ada@example.org", input: {} }],
  [
    "the address of an image",
    { type: "media", media: { $media: "image/png", url: "https://x.example/?ada@example.org" } },
  ],
  ["the name of a file", { type: "media", media: { $media: "image/png", data: "aGk=", name: "ada@example.org" } }],
  [
    "a medium that is none, in arguments",
    { type: "toolCall", callId: "1", tool: "find_person", input: { $media: "x", data: "of ada@example.org" } },
  ],
])("a model that was shown a value gets it into no entry: %s", async (_, part) => {
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    instructions: "Answer.",
    model: "fast",
    tools: [],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
  });
  const said: ResponsePart[][] = [[part], [{ type: "output", value: { text: "done" } }]];
  if (part.type === "media") said[0]?.push({ type: "output", value: { text: "done" } });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine(),
    vault: { key },
    seal: { detectors: [emails] },
    models: { fast: { id: "one", cost: "zero", reveals: ["*"], generate: () => ({ parts: said.shift() ?? [] }) } },
  });
  const run = await supervisor.start({ text: "it is ada@example.org" }, { tenant: "acme" });
  expect(await run.result()).toMatchObject({ status: "completed" });
  expect(JSON.stringify(await run.entries())).not.toContain("ada@example.org");
  expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
});

test("a token that somebody made up gives nothing", async () => {
  const { supervisor, heard } = office({ reveals: ["*"], answers: ["*"] });
  const run = await supervisor.start({ text: "abcdefghijkmnp@sealed.invalid" }, { tenant: "acme" });
  await run.result();
  expect(heard).toEqual([{ email: "abcdefghijkmnp@sealed.invalid" }]);
});

test("tokens of one run mean nothing in another", async () => {
  const { supervisor, start, heard, engine } = office({ reveals: ["*"] });
  const first = await start();
  await first.result();
  const text = JSON.stringify(await first.entries());
  const [token = ""] = /[a-z0-9]{14}@sealed\.invalid/.exec(text) ?? [];
  const run = await supervisor.start({ text: token }, { tenant: "acme" });
  await run.result();
  expect(heard[1]).toEqual({ email: token });
  const vaults = await engine.journal.listStreams("acme", "vault");
  expect(vaults.filter((id) => !id.includes("/"))).toHaveLength(2);
});

test("a question's answer is sealed as its schema declares", async () => {
  const engine = memoryEngine();
  const teller = (name: "asks" | "ends") =>
    defineAgent({
      name,
      description: name,
      instructions: name,
      model: "fast",
      tools: [],
      input: z.object({ text: z.string() }),
      output: z.object({ text: z.string() }),
    });
  const asks = teller("asks");
  const ends = teller("ends");
  const supervisor = createSupervisor({
    agents: { asks, ends },
    entry: "asks",
    exit: "ends",
    handoffs: [
      defineQuestion({
        from: asks,
        to: ends,
        of: "customer",
        answer: z.object({ pin: z.string().meta({ dataClass: "pin" }) }),
        ask: () => "Your PIN?",
        map: (answer) => ({ text: `the PIN is ${answer.pin}` }),
      }),
    ],
    engine,
    vault: { key: key.toString("hex") },
    answers: { reveals: ["pin"] },
    models: {
      fast: {
        id: "one",
        cost: "zero",
        generate: ({ input }) => ({ parts: [{ type: "output", value: { text: (input as { text: string }).text } }] }),
      },
    },
  });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme" });
  await run.settled();
  await run.send({ pin: "zx81-q" });
  expect(await run.result()).toMatchObject({ output: { text: "the PIN is zx81-q" } });
  expect(JSON.stringify(await run.entries())).not.toContain("zx81-q");
});

test("a run that takes the place of another one gets its values, sealed anew", async () => {
  const engine = memoryEngine();
  const seen: unknown[] = [];
  const echo = defineAgent({
    name: "echo",
    description: "Echoes.",
    instructions: "Echo.",
    model: "m",
    tools: [],
    input: z.object({ name: z.string().meta({ dataClass: "person" }) }),
    output: z.object({ name: z.string() }),
  });
  const supervisor = createSupervisor({
    agents: { echo },
    entry: "echo",
    exit: "echo",
    handoffs: [],
    engine,
    vault: { key },
    answers: { reveals: ["person"] },
    models: {
      m: {
        id: "m",
        cost: "zero",
        generate: ({ input }) => {
          seen.push(input);
          const refusal = { type: "refusal" as const, reason: "not now" };
          return { parts: [seen.length === 1 ? refusal : { type: "output", value: input }] };
        },
      },
    },
  });
  const run = await supervisor.start({ name: "Ada Lovelace" }, { tenant: "acme" });
  expect((await run.result()).status).toBe("failed");
  const as = await supervisor.deadLetters.redrive("acme", run.id);
  const again = await supervisor.find(as, { tenant: "acme" });
  expect(await again.result()).toMatchObject({ status: "completed", output: { name: "Ada Lovelace" } });
  expect(seen[0]).not.toEqual(seen[1]);
  expect(JSON.stringify(seen)).not.toContain("Ada");
  expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toMatchObject([{ to: { kind: "run", name: as } }]);
});

/** One agent that is told of a person, and says what the model says. */
function desk(
  say: (turn: number) => readonly ResponsePart[],
  tools: AnyTool[] = [],
  more: Pick<RuntimeOptions<string>, "cache" | "answers"> & { readonly engine?: Engine } = {},
) {
  const teller = defineAgent({
    name: "teller",
    description: "Tells.",
    instructions: "Tell.",
    model: "m",
    tools,
    input: z.object({ text: z.string(), name: z.string().meta({ dataClass: "person" }) }),
    output: z.object({ text: z.string() }),
  });
  let turn = 0;
  return createSupervisor({
    agents: { teller },
    entry: "teller",
    exit: "teller",
    handoffs: [],
    engine: memoryEngine(),
    vault: { key },
    seal: { detectors: [emails] },
    models: { m: { id: "m", cost: "zero", generate: () => ({ parts: say(++turn) }) } },
    ...more,
  });
}

describe("an answer that is a JSON text is sealed as what it says", () => {
  const name = 'Ada "the Countess"\nLovelace';
  test.each([
    ["with escapes", [{ type: "text", text: JSON.stringify({ text: `It is ${name}.` }) }]],
    ["with an address in escapes", [{ type: "text", text: '{"text":"It is ada\\u0040example.org."}' }]],
    [
      "in two pieces",
      [
        { type: "text", text: '{"text":"It is ada@exam' },
        { type: "text", text: 'ple.org."}' },
      ],
    ],
  ] as const)("%s", async (_, parts) => {
    const run = await desk(() => parts).start({ text: "who?", name }, { tenant: "acme" });
    expect((await run.result()).status).toBe("completed");
    const text = JSON.stringify(await run.entries());
    expect(text).not.toContain("the Countess");
    expect(text).not.toContain("ada@example.org");
    expect(text).not.toContain("ada\\\\u0040");
  });

  test("and stays as it was said where it holds nothing", async () => {
    const said = '{ "text": "a\\tb" }';
    const run = await desk(() => [{ type: "text", text: said }]).start({ text: "who?", name }, { tenant: "acme" });
    expect((await run.result()).status).toBe("completed");
    expect(JSON.stringify(await run.entries())).toContain(JSON.stringify(said));
  });
});

test("what is declared further on in an input is found before its place too", async () => {
  const supervisor = desk(() => [{ type: "output", value: { text: "done" } }]);
  const run = await supervisor.start({ text: "I am Ada Lovelace", name: "Ada Lovelace" }, { tenant: "acme" });
  await run.result();
  expect(JSON.stringify(await run.entries())).not.toContain("Lovelace");
});

test("what one part of an answer declares is found in the parts before it", async () => {
  const greet = defineTool({
    name: "greet",
    description: "Greets.",
    input: z.object({ who: z.string().meta({ dataClass: "person" }) }),
    output: z.object({ ok: z.boolean() }),
    effect: "read",
    execute: () => ({ ok: true }),
  });
  const supervisor = desk(
    (turn) =>
      turn === 1
        ? [
            { type: "text", text: "I greet Grace Hopper." },
            { type: "toolCall", callId: "1", tool: "greet", input: { who: "Grace Hopper" } },
          ]
        : [{ type: "output", value: { text: "done" } }],
    [greet],
  );
  const run = await supervisor.start({ text: "greet", name: "Ada Lovelace" }, { tenant: "acme" });
  expect((await run.result()).status).toBe("completed");
  expect(JSON.stringify(await run.entries())).not.toContain("Hopper");
});

test("what a run knew is known in the run that undoes it, whatever its tools declare", async () => {
  const heard: unknown[] = [];
  const cancel = defineTool({
    name: "cancel_table",
    description: "Cancels.",
    input: z.object({ who: z.string() }),
    output: z.object({ ok: z.boolean() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    reveals: ["person"],
    execute: (input) => {
      heard.push(input);
      return { ok: true };
    },
  });
  const book = defineTool({
    name: "book_table",
    description: "Books.",
    input: z.object({ who: z.string() }),
    output: z.object({ ok: z.boolean() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    undo: { tool: cancel, input: (input) => ({ who: `for ${input.who}` }) },
    execute: () => ({ ok: true }),
  });
  const supervisor = desk(
    (turn) =>
      turn === 1
        ? [{ type: "toolCall", callId: "1", tool: "book_table", input: { who: "Ada Lovelace" } }]
        : [{ type: "output", value: { text: "done" } }],
    [book],
  );
  const run = await supervisor.start({ text: "a table", name: "Ada Lovelace" }, { tenant: "acme" });
  await run.result();
  const undo = await supervisor.compensate(run.id, { tenant: "acme", principal: operator("o_1") });
  expect((await undo.result()).status).toBe("completed");
  expect(heard).toEqual([{ who: "for Ada Lovelace" }]);
  expect(JSON.stringify(await undo.entries())).not.toContain("Lovelace");
  expect(await supervisor.replay(undo.id, { tenant: "acme" })).toMatchObject({ ok: true });
});

test("an answer in which something was sealed is not kept for other runs, where its tokens mean nothing", async () => {
  const engine = memoryEngine();
  const cache = { store: memoryModelCache({ clock: engine.clock }), ttlMs: 60_000, models: ["m"] };
  const asked: number[] = [];
  const say = (text: string) => (turn: number) => {
    asked.push(turn);
    return [{ type: "output", value: { text } }] as const;
  };
  const result = async (supervisor: ReturnType<typeof desk>) =>
    (await supervisor.start({ text: "whom do I write to?", name: "" }, { tenant: "acme" })).result();
  const writes = desk(say("ada@example.org"), [], { engine, cache, answers: { reveals: ["email"] } });
  for (let run = 0; run < 2; run++) {
    expect(await result(writes)).toMatchObject({ output: { text: "ada@example.org" } });
  }
  expect(asked).toEqual([1, 2]);
  const knowsNobody = desk(say("I know nobody"), [], {
    cache: { ...cache, store: memoryModelCache({ clock: engine.clock }) },
  });
  for (let run = 0; run < 2; run++) expect(await result(knowsNobody)).toMatchObject({ status: "completed" });
  expect(asked).toEqual([1, 2, 1]);
});

test("labels of a place whose name is sealed stand at its token", async () => {
  const count = defineTool({
    name: "count_mails",
    description: "Counts.",
    input: z.object({}),
    output: z.record(z.string(), z.string()),
    effect: "read",
    execute: () =>
      labelled({ "ada@example.org": "many", "a/b": "few" }, { "/ada@example.org": ["crm"], "/a~1b": ["web"] }),
  });
  const supervisor = desk(
    (turn) =>
      turn === 1
        ? [{ type: "toolCall", callId: "1", tool: "count_mails", input: {} }]
        : [{ type: "output", value: { text: "done" } }],
    [count],
  );
  const run = await supervisor.start({ text: "count", name: "Ada Lovelace" }, { tenant: "acme" });
  expect((await run.result()).status).toBe("completed");
  const entries = await run.entries();
  expect(JSON.stringify(entries)).not.toContain("ada@example.org");
  const [returned] = entries.flatMap((entry) => (entry.type === "tool.returned" ? [entry.body] : []));
  const [token = ""] = Object.keys(returned?.output as object);
  expect(returned?.labels).toMatchObject({ [`/${token}`]: ["crm"], "/a~1b": ["web"] });
});
