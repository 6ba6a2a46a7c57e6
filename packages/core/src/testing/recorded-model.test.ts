import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { defaultDetectors } from "../answer/redaction.ts";
import { localEngine } from "../engine/local.ts";
import { OrchestrationError } from "../errors.ts";
import type { ResponsePart } from "../event.ts";
import { seededIds } from "../ids.ts";
import { memoryJournal } from "../journal/memory.ts";
import { silentLogger } from "../port/logger.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { defineTool } from "../tool.ts";
import { fakeClock } from "./fake-clock.ts";
import { type RecordedModelOptions, recordedModel, recording } from "./recorded-model.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-recorded-"));
  file = join(folder, "answers", "desk.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function request(
  input: ModelRequest["input"],
  more: Partial<ModelRequest> = {},
  call = 0,
  runId = "run_1",
): ModelRequest {
  return {
    agent: "clerk",
    instructions: "Say it.",
    input,
    messages: [],
    tools: [],
    asks: [],
    outputSchema: { type: "object" },
    labels: ["user"],
    context: {
      tenant: "acme",
      runId,
      path: "clerk#1",
      turn: call + 1,
      attempt: 1,
      agentCall: call,
      attributes: { secret: "s3cret" },
    },
    ...more,
  };
}

const options = () => ({ signal: new AbortController().signal });
const text = (value: string): ResponsePart => ({ type: "text", text: value });

/** A model that counts its answers. */
function counting(more: Partial<Model> = {}) {
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "real",
    cost: "paid",
    quote: () => ({ microUsd: 9, tokens: 8 }),
    generate: async (one) => {
      asked.push(one);
      return { parts: [text(`answer ${asked.length}`)], usage: { inputTokens: 1, outputTokens: 2 } };
    },
    ...more,
  };
  return { model, asked };
}

const said = ({ parts }: ModelResponse) => parts.map((part) => (part.type === "text" ? part.text : part.type)).join();
const model = (more: Partial<RecordedModelOptions> = {}) => recordedModel({ id: "careful", file, ...more });
const ask = async (one: Model, given: ModelRequest) => said(await one.generate(given, options()));

async function refusal(one: Model, given: ModelRequest) {
  try {
    await one.generate(given, options());
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("it was answered");
}

describe("a recording", () => {
  test("C1 answers what stands in it, and asks for what does not", async () => {
    const { model: real, asked } = counting();
    const first = model({ record: real });
    expect([await ask(first, request("a")), await ask(first, request("b"))]).toEqual(["answer 1", "answer 2"]);
    const second = model({ record: real });
    expect([await ask(second, request("b")), await ask(second, request("c"))]).toEqual(["answer 2", "answer 3"]);
    expect(asked).toHaveLength(3);
    const offline = model();
    for (const [input, answer] of [
      ["c", "answer 3"],
      ["a", "answer 1"],
    ] as const) {
      expect(await ask(offline, request(input))).toBe(answer);
    }
  });

  test("C3 is a line of JSON for each exchange, with what the model was shown and no ids, labels or attributes", async () => {
    await ask(model({ record: counting().model }), request({ text: "a" }));
    expect(readFileSync(file, "utf8")).toBe(
      `${JSON.stringify({
        model: "careful",
        agent: "clerk",
        request: {
          instructions: "Say it.",
          input: { text: "a" },
          messages: [],
          tools: [],
          asks: [],
          outputSchema: { type: "object" },
        },
        quote: { microUsd: 9, tokens: 8 },
        response: { parts: [{ type: "text", text: "answer 1" }], usage: { inputTokens: 1, outputTokens: 2 } },
      })}\n`,
    );
  });

  test("C2 answers the same request of a run in order, and each run from the beginning", async () => {
    const real = model({ record: counting().model });
    for (const call of [0, 1]) await ask(real, request("a", {}, call));
    const offline = model();
    for (const run of ["run_2", "run_3"]) {
      expect(await ask(offline, request("a", {}, 0, run))).toBe("answer 1");
      expect(await ask(offline, request("a", {}, 1, run))).toBe("answer 2");
      // The same call, made again after it was lost.
      expect(await ask(offline, request("a", {}, 0, run))).toBe("answer 1");
      const { code, data } = await refusal(offline, request("a", {}, 2, run));
      expect([code, data.reason]).toEqual(["model/not-recorded", "it is recorded 2 times and was made once more"]);
    }
  });

  test("has failures too, with their cost", async () => {
    const busy = Object.assign(new Error("busy"), {
      status: 429,
      headers: { "retry-after": "2", authorization: "Bearer s3cret" },
      cost: { microUsd: 5, basis: "reported" },
    });
    const real = model({ record: counting({ generate: () => Promise.reject(busy) }).model });
    await expect(real.generate(request("a"), options())).rejects.toBe(busy);
    expect(await refusal(model(), request("a"))).toMatchObject({
      code: "model/rate-limited",
      data: { model: "careful", reason: "busy", status: 429, retryAfterMs: 2_000 },
      cost: { microUsd: 5, basis: "reported" },
    });
    expect(readFileSync(file, "utf8")).not.toContain("s3cret");
  });

  test("has nothing of a call that was stopped", async () => {
    const stop = new AbortController();
    const real = model({
      record: counting({
        generate: () => {
          stop.abort();
          throw new Error("stopped");
        },
      }).model,
    });
    await expect(real.generate(request("a"), { signal: stop.signal })).rejects.toThrow("stopped");
    expect(await refusal(model(), request("a"))).toMatchObject({
      data: { reason: "nothing is recorded of this model" },
    });
  });

  test("says what a call was quoted at, and has the gates' facts of the model that was recorded", async () => {
    const { model: real } = counting({ provider: "openai", cleared: ["sensitive"], timeoutMs: 7 });
    const first = model({ record: real });
    expect(first).toMatchObject({ cost: "paid", provider: "openai", cleared: ["sensitive"], timeoutMs: 7 });
    await ask(first, request("a"));
    const offline = model({ cost: "paid" });
    expect(offline.quote?.(request("a"))).toEqual({ microUsd: 9, tokens: 8 });
    // So that a budget lets it through, and the call itself says what is missing.
    expect(offline.quote?.(request("b"))).toEqual({ microUsd: 0, tokens: 0 });
    expect(model()).toMatchObject({ cost: "zero" });
    expect(model().quote?.(request("b"))).toEqual({ microUsd: 0, tokens: 0 });
  });
});

describe("a file of several models", () => {
  test("C4 has its lines in the order in which the calls were made, whichever was answered first", async () => {
    const answers = new Map<string, (parts: ModelResponse) => void>();
    const slow = (id: string): Model => ({
      id,
      cost: "zero",
      generate: ({ input }) => new Promise((resolve) => answers.set(String(input), resolve)),
    });
    const both = recording({ file });
    const [one, other] = ["one", "other"].map((id) => both.model({ id, record: slow(id) })) as [Model, Model];
    const calls = [
      one.generate(request("a"), options()),
      other.generate(request("b"), options()),
      one.generate(request("c"), options()),
    ];
    for (const input of ["c", "b", "a"]) {
      expect(readdirSync(folder)).toEqual([]);
      answers.get(input)?.({ parts: [text(input)] });
      await calls.pop();
    }
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line)).map(({ model: of, request: { input } }) => [of, input])).toEqual([
      ["one", "a"],
      ["other", "b"],
      ["one", "c"],
    ]);
  });

  test("C4 a call that was stopped leaves no gap and holds up nobody", async () => {
    const stop = new AbortController();
    const hangs: Model = {
      id: "hangs",
      cost: "zero",
      generate: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped")))),
    };
    const both = recording({ file });
    const hanging = both.model({ id: "hangs", record: hangs }).generate(request("a"), { signal: stop.signal });
    await ask(both.model({ id: "real", record: counting().model }), request("b"));
    stop.abort();
    await expect(hanging).rejects.toThrow("stopped");
    expect(recording({ file }).unused()).toEqual([{ line: 1, model: "real", agent: "clerk" }]);
  });

  test("tells which exchanges no run has asked for", async () => {
    const first = model({ record: counting().model });
    for (const input of ["a", "b", "c"]) await ask(first, request(input));
    const offline = recording({ file });
    await ask(offline.model({ id: "careful" }), request("b"));
    expect(offline.unused().map(({ line }) => line)).toEqual([1, 3]);
  });
});

describe("C3 what shall not be written", () => {
  const sensitive = { labels: ["sensitive:health"] };

  test("sensitive requests are not recorded as they are", async () => {
    const { model: real, asked } = counting();
    expect(await refusal(model({ record: real }), request("a", sensitive))).toMatchObject({
      code: "model/not-recorded",
      data: { reason: "it is sensitive, and there is no `redact`" },
    });
    expect(asked).toEqual([]);
  });

  test("goes through `redact`, in requests and answers, and another value of it finds the same answer", async () => {
    const pointers: string[] = [];
    const redact = (value: string, pointer: string) => {
      pointers.push(pointer);
      return value.replace(/card \d+/, "card …");
    };
    const { model: real } = counting({
      generate: async ({ input }) => ({ parts: [text(`${(input as { "a/b": string })["a/b"]} is fine`)] }),
    });
    const given = (card: string) => request({ "a/b": `card ${card}` }, sensitive);
    expect(await ask(model({ record: real, redact }), given("4711"))).toBe("card 4711 is fine");
    expect(readFileSync(file, "utf8")).not.toContain("4711");
    expect(pointers).toContain("/request/input/a~1b");
    expect(pointers).toContain("/response/parts/0/text");
    expect(await ask(model({ redact }), given("42"))).toBe("card … is fine");
  });
});

describe("C3 what detectors find", () => {
  const leaky = (word: string) => counting({ generate: async () => ({ parts: [text(`it is ${word}.`)] }) }).model;

  test("is written as its name: what looks like a key when nobody says more", async () => {
    await ask(model({ record: leaky("sk-abcdefghijklmnop") }), request("with sk-0123456789abcdef"));
    expect(readFileSync(file, "utf8")).not.toMatch(/sk-|0123|ghij/);
    expect(await ask(model(), request("with sk-another0123456789"))).toBe("it is [key].");
  });

  test("is what a supervisor's own detectors find, where they are given", async () => {
    await ask(model({ record: leaky("a@b.example"), detectors: defaultDetectors }), request("from c@d.example"));
    expect(readFileSync(file, "utf8")).not.toMatch(/@/);
    expect(await ask(model({ detectors: defaultDetectors }), request("from e@f.example"))).toBe("it is [email].");
  });
});

describe("a miss", () => {
  test("shows the nearest request of the same agent and the first difference", async () => {
    const real = model({ record: counting().model });
    await ask(real, request({ text: "hello", kind: "x" }));
    await ask(real, request({ text: "hello, this is another one", kind: "z" }));
    await ask(real, request({ text: "hullo", kind: "y" }, { agent: "other" }));
    const error = await refusal(model(), request({ text: "hullo", kind: "x" }));
    expect(error.data).toEqual({
      model: "careful",
      agent: "clerk",
      file,
      reason: 'line 1 is nearest and differs at /input/text: recorded "hello", asked "hullo"',
      nearest: 1,
      pointer: "/input/text",
      expected: '"hello"',
      got: '"hullo"',
    });
  });

  test("shows of long texts the place where they begin to differ, and what is missing as nothing", async () => {
    const real = model({ record: counting().model });
    const long = "word ".repeat(200);
    await ask(real, request("a", { instructions: `${long}old${long}` }));
    const { data } = await refusal(model(), request("a", { instructions: `${long}new${long}` }));
    expect(data.pointer).toBe("/instructions");
    expect(data.expected).toMatch(/^…[a-z ]{20,}old[a-z ]+…$/);
    expect(data.got).toMatch(/^…[a-z ]{20,}new[a-z ]+…$/);
    const more = { instructions: `${long}old${long}`, asks: ["customer"] } as const;
    expect((await refusal(model(), request("a", more))).data).toMatchObject({
      pointer: "/asks/0",
      expected: "nothing",
      got: '"customer"',
    });
  });

  test("shows of texts with several lines the first one that differs", async () => {
    const lines = ["Be kind.", `Pay back at most 100 euros${", really".repeat(8)}.`, "Ask first."];
    await ask(model({ record: counting().model }), request("a", { instructions: lines.join("\n") }));
    const changed = [lines[0], "Pay back at most 900 euros.", lines[2]].join("\n");
    expect((await refusal(model(), request("a", { instructions: changed }))).data).toMatchObject({
      pointer: "/instructions",
      expected: `"${lines[1]}"`,
      got: '"Pay back at most 900 euros."',
    });
    const longer = [...lines, "And say so."].join("\n");
    expect((await refusal(model(), request("a", { instructions: longer }))).data).toMatchObject({
      expected: "nothing",
      got: '"And say so."',
    });
  });

  test.each([
    ["{", "Expected property name"],
    ["null", "it needs `model`"],
    ['{"model":"m","agent":"a","request":{}}', "it needs a `response`"],
  ])("a file with the line %s is refused, with the line's number", (row, reason) => {
    const broken = join(folder, "broken.jsonl");
    writeFileSync(broken, `\n${row}\n`);
    expect(() => recordedModel({ id: "m", file: broken })).toThrow(
      expect.objectContaining({
        code: "model/recording-invalid",
        data: { file: broken, line: 2, reason: expect.stringContaining(reason) },
      }),
    );
    expect(() => recordedModel({ id: "m", file: folder })).toThrow("model/recording-invalid");
  });
});

describe("a whole run", () => {
  const note = z.object({ text: z.string() });
  const count = z.object({ left: z.number() });
  const readStock = defineTool({
    name: "read_stock",
    description: "Reads.",
    input: note,
    output: count,
    effect: "read",
    execute: () => ({ left: 4 }),
  });
  const clerkWith = (instructions: string) =>
    defineAgent({
      name: "clerk",
      description: "Counts.",
      model: "careful",
      tools: [readStock],
      input: note,
      output: count,
      instructions,
    });

  async function play(careful: Model, instructions = "Say how many are left.") {
    const clock = fakeClock();
    const ids = seededIds(7);
    const clerk = clerkWith(instructions);
    const journal = memoryJournal({ newKey: () => "k" });
    const engine = localEngine({ name: "memory", journal, clock, logger: silentLogger, ids });
    const desk = createSupervisor({
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      models: { careful },
      engine,
      ids,
      budgets: { acme: { microUsd: 1_000 } },
    });
    const run = await desk.start({ text: "nails" }, { tenant: "acme", principal: user("u_17") });
    const result = await run.result();
    return { result, entries: await run.entries() };
  }

  const real = () => {
    let call = 0;
    return counting({
      generate: () => ({
        parts: [
          call++ === 0
            ? { type: "toolCall", callId: "call_x9", tool: "read_stock", input: { text: "nails" } }
            : { type: "output", value: { left: 4 } },
        ],
        usage: { inputTokens: 3, outputTokens: 2 },
        cost: { microUsd: 5, basis: "reported" },
      }),
    }).model;
  };

  test("is replayed offline with the very same journal, as often as one likes", async () => {
    const recorded = await play(model({ record: real() }));
    expect(recorded.result).toMatchObject({ status: "completed", output: { left: 4 }, cost: { microUsd: 10 } });
    const offline = model({ cost: "paid" });
    for (const again of [await play(offline), await play(model({ cost: "paid" }))]) {
      expect(again.entries).toEqual(recorded.entries);
      expect(again.result).toEqual(recorded.result);
    }
  });

  test("fails with the difference where a prompt has changed", async () => {
    await play(model({ record: real() }));
    const { result } = await play(model(), "Say how many there are.");
    expect(result).toMatchObject({
      status: "failed",
      error: {
        code: "model/not-recorded",
        data: {
          agent: "clerk",
          nearest: 1,
          pointer: "/instructions",
          expected: '"Say how many are left."',
          got: '"Say how many there are."',
        },
      },
    });
  });
});
