import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSupervisor,
  defineAgent,
  defineQuestion,
  defineTool,
  exportEvidence,
  ToolRefusal,
  user,
} from "@remit/core";
import { pinoLogger } from "@remit/core/pino";
import { sqliteEngine } from "@remit/core/sqlite";
import { allDetectors } from "@remit/tools/detect";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { filesDeskPack } from "../../apps/sandbox/packs/files-desk/pack.ts";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { ReportFile } from "../../apps/sandbox/src/report/file.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { canaries, heard, heardIn, planted, singing, song } from "./plant.ts";

const key = Buffer.alloc(32, 11);
const sealing = { vault: { key }, seal: { detectors: allDetectors() } };

function lines(folder: string) {
  const written: string[] = [];
  const logger = pinoLogger({
    level: "debug",
    destination: { write: (line: string) => void written.push(line) },
  });
  return { logger, keep: () => writeFileSync(join(folder, "log.jsonl"), written.join("")) };
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "remit-canary-"));
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the canaries would be heard: without sealing each of them is in the database", () =>
  inFolder(async (folder) => {
    const engine = sqliteEngine({ path: join(folder, "journal.db") });
    const { supervisor } = office(engine);
    await (await supervisor.start({ text: song, name: "Quentin Canary" }, { tenant: "acme" })).settled();
    expect(new Set(heard(folder).map((one) => one.split(" ")[0]))).toEqual(new Set(Object.keys(canaries)));
    await engine.close();
  }));

describe.each([
  ["order-desk", orderDeskPack],
  ["files-desk", filesDeskPack],
] as const)("every scenario of %s, with canaries in whatever comes in", (name, make) => {
  test("no byte of any file, line, event or report has one", { timeout: 240_000 }, () =>
    inFolder(async (folder) => {
      const pack = planted(make());
      const { logger, keep } = lines(folder);
      const engine = sqliteEngine({ path: join(folder, "journal.db"), logger });
      const told: string[] = [];
      const scenarios = pack.scenarios().map((scenario) => scenario.name);
      let entries = 0;
      const page = new ReportFile({ command: (words) => words });
      const report = await runSuite({
        suite: { format: 1, id: name, pack: { name }, model: { name: "oracle", seed: 0 }, scenarios, startedAt: 0 },
        pack,
        workspace: openWorkspace(join(folder, "state")),
        engine,
        logger,
        sealing,
        through: singing,
        watch: new Set(scenarios.slice(0, 3)),
        onEvent: (event) => {
          if (event.type === "entry") told.push(JSON.stringify(event.entry));
          if (event.type === "connected") {
            const { supervisor } = event;
            supervisor.on("model.responded", (entry) => void told.push(JSON.stringify(entry)));
          }
        },
      });
      mkdirSync(join(folder, "evidence"));
      for (const { runId } of report.scenarios) {
        let text = "";
        const by = user("auditor");
        for await (const line of exportEvidence(engine.journal, { tenant: name, runId }, { by, at: 0 })) text += line;
        entries += text.split("\n").length;
        writeFileSync(join(folder, "evidence", `${runId}.jsonl`), text);
      }
      writeFileSync(join(folder, "report.json"), JSON.stringify(report));
      writeFileSync(join(folder, "told.jsonl"), told.join("\n"));
      page.write(join(folder, "report.html"));
      keep();
      // While it is open, so that its write-ahead log is among the files.
      expect(heard(folder)).toEqual([]);
      await engine.close();
      expect(heard(folder)).toEqual([]);
      expect(report.scenarios.length).toBe(scenarios.length);
      expect(entries).toBeGreaterThan(scenarios.length * 10);
      expect(readFileSync(join(folder, "journal.db")).includes("sealed.invalid")).toBe(true);
    }),
  );
});

function office(engine: ReturnType<typeof sqliteEngine>, options: object = {}) {
  const spans: string[] = [];
  const heardByTools: unknown[] = [];
  const tool = (name: string, effect: "read" | "write", execute: (input: { text: string }) => unknown) =>
    defineTool({
      name,
      description: name,
      input: z.object({ text: z.string(), name: z.string().meta({ dataClass: "person" }).optional() }),
      output: z.object({ text: z.string() }),
      timeoutMs: 1_000,
      execute: (input: { text: string }) => {
        heardByTools.push(input);
        return execute(input) as { text: string };
      },
      ...(effect === "read" ? { effect } : { effect, risk: "low" as const, idempotency: "key" as const }),
      reveals: ["email", "person"],
    } as never);
  const agent = (name: string, tools: readonly never[]) =>
    defineAgent({
      name,
      description: name,
      instructions: name,
      model: "m",
      tools,
      input: z.object({ text: z.string(), name: z.string().meta({ dataClass: "person" }) }),
      output: z.object({ text: z.string(), name: z.string() }),
    });
  const tools = [
    tool("says", "write", ({ text }) => ({ text: `${text} ${song} Quentin Canary` })),
    tool("refuses", "read", () => {
      throw new ToolRefusal(`no: ${song} Quentin Canary`);
    }),
    tool("breaks", "read", () => {
      throw new Error(`cannot reach postgres://app:${canaries.password}@db for Quentin Canary, ${song}`);
    }),
    tool("lies", "read", () => ({ wrong: song })),
  ] as never[];
  const first = agent("first", tools as readonly never[]);
  const last = agent("last", []);
  const supervisor = createSupervisor({
    agents: { first, last },
    entry: "first",
    exit: "last",
    handoffs: [
      defineQuestion({
        from: first,
        to: last,
        of: "customer",
        answer: z.object({ text: z.string(), name: z.string().meta({ dataClass: "person" }) }),
        ask: ({ text }) => `Is it so? ${text}`,
        map: (answer) => answer,
      }),
    ],
    engine,
    models: {
      m: {
        id: "m",
        cost: "zero",
        generate: ({ agent: name, messages, input }) => {
          const turn = messages.filter(({ role }) => role === "assistant").length;
          const called = ["says", "refuses", "breaks", "lies"][turn];
          if (name === "first" && called) {
            const text = { type: "text" as const, text: song };
            return {
              parts: [
                text,
                {
                  type: "toolCall",
                  callId: `c${turn}`,
                  tool: called,
                  input: { ...(input as object), text: song } as never,
                },
              ],
            };
          }
          return {
            parts: [{ type: "text", text: JSON.stringify({ text: song, name: (input as { name: string }).name }) }],
          };
        },
      },
    },
    tracer: {
      content: true,
      span: (name, attributes) => {
        spans.push(name, JSON.stringify(attributes));
        return { set: (more) => void spans.push(JSON.stringify(more)), end: () => {} };
      },
    },
    check: "log",
    ...options,
  });
  return { supervisor, spans, heardByTools };
}

test("start, model, tool, refusal, failure, question, answer, span, log and stream: none has a canary, and tools get what they reveal", () =>
  inFolder(async (folder) => {
    const { logger, keep } = lines(folder);
    const path = join(folder, "journal.db");
    let engine = sqliteEngine({ path, logger });
    const before = office(engine, { ...sealing, logger });
    const input = { text: song, name: "Quentin Canary" };
    const run = await before.supervisor.start(input, { tenant: "acme", attributes: { from: canaries.email ?? "" } });
    const stream: string[] = [];
    const watching = (async () => {
      for await (const one of run.events({ deltas: true })) stream.push(JSON.stringify(one));
    })().catch(() => {});
    await run.settled();
    stream.push(JSON.stringify(await run.questions()), JSON.stringify(await run.effects()));
    await engine.close();
    await watching;

    // Another process takes it up: what its tokens stand for is in the file, and under the key alone.
    engine = sqliteEngine({ path, logger });
    const after = office(engine, { ...sealing, logger, answers: { reveals: ["person", "email"] } });
    const again = await after.supervisor.find(run.id, { tenant: "acme" });
    await again.send({ text: song, name: "Quentin Canary" });
    const result = await again.result();
    writeFileSync(join(folder, "stream.jsonl"), stream.join("\n"));
    writeFileSync(join(folder, "spans.txt"), [...before.spans, ...after.spans].join("\n"));
    keep();
    expect(heard(folder)).toEqual([]);
    for (const file of ["journal.db", "log.jsonl", "spans.txt", "stream.jsonl"]) {
      expect(readFileSync(join(folder, file)).includes("Quentin Canary"), file).toBe(false);
    }
    expect(before.heardByTools).toHaveLength(4);
    expect(JSON.stringify(before.heardByTools)).toContain(canaries.email);
    expect(JSON.stringify(before.heardByTools)).toContain("Quentin Canary");
    expect(heardIn(JSON.stringify(before.heardByTools))).toEqual(["email"]);
    expect(result).toMatchObject({ status: "completed", output: { name: "Quentin Canary" } });
    expect(heardIn(JSON.stringify(result))).toEqual(["email"]);
    expect(await after.supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
    await engine.close();
    expect(heard(folder)).toEqual([]);
  }));
