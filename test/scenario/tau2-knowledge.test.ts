import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Json, memoryEngine, runSupervisor, user } from "@remit/core";
import { answers, callsAll, scriptedModel } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Tau2Error } from "../../apps/sandbox/src/tau2/errors.ts";
import {
  type DeskCall,
  deskCallOf,
  giveTool,
  type KnowledgeDomain,
  type KnowledgeTask,
  knowledgeDesk,
  loadKnowledge,
  unlockTool,
} from "../../apps/sandbox/src/tau2/knowledge.ts";
import { writeTinyBank } from "../../apps/sandbox/src/tau2/tiny-bank.test.data.ts";

/** What became of a call: `called`, or the code of its denial. */
interface Outcome {
  readonly tool: string;
  readonly input: Json;
  readonly outcome: string;
  readonly rule: string;
}

const isOpening = ({ tool }: DeskCall) => tool === unlockTool || tool === giveTool;

/** Plays the calls of each part, in their order: the teller's and the customer's turns follow from who makes them. */
async function play(domain: KnowledgeDomain, calls: readonly DeskCall[]): Promise<readonly Outcome[]> {
  const { definition, teller, customer } = knowledgeDesk({ domain });
  const script: Parameters<typeof scriptedModel>[0][number][] = [];
  let at: DeskCall["by"] = "teller";
  for (const { by, tool, input } of calls) {
    if (by !== at) {
      script.push(at === "teller" ? answers(teller, { next: "customer" }) : answers(customer, { next: "done" }));
      at = by;
    }
    script.push(
      by === "teller" ? callsAll(teller, [[tool, input]] as never) : callsAll(customer, [[tool, input]] as never),
    );
  }
  if (at === "customer") script.push(answers(customer, { next: "done" }));
  script.push(answers(teller, { next: "done" }));
  const model = scriptedModel(script);
  const desk = runSupervisor(definition, { engine: memoryEngine(), models: { careful: model, customer: model } });
  const run = await desk.start({ next: "done" }, { tenant: "bank", principal: user("ada") });
  const result = await run.result();
  expect(result.status, JSON.stringify(result)).toBe("completed");
  expect(await desk.replay(run.id, { tenant: "bank" })).toMatchObject({ ok: true });
  return (await run.entries()).flatMap(({ type, body }) => {
    if (type === "tool.called") {
      const { tool, input, decision } = body as { tool: string; input: Json; decision: { ruleId: string } };
      return [{ tool, input, outcome: "called", rule: decision.ruleId }];
    }
    if (type !== "tool.denied") return [];
    const { tool, input, error, decision } = body;
    return [{ tool, input, outcome: error.code, rule: decision.ruleId }];
  });
}

const reads = ({ required }: KnowledgeTask): readonly DeskCall[] =>
  required.map((id) => ({ by: "teller", tool: "read_knowledge", input: { id } }));
const truth = ({ actions }: KnowledgeTask) => actions.map(deskCallOf);

/** What is to be seen of any domain of this form. */
async function holds(domain: KnowledgeDomain, task: KnowledgeTask): Promise<void> {
  const calls = truth(task);
  const locked = new Set(domain.tools.filter((one) => one.discoverable).map(({ name }) => name));
  const names = new Set(calls.filter(({ tool }) => locked.has(tool)).map(({ tool }) => tool));
  const outcomesOf = (outcomes: readonly Outcome[], of: (outcome: Outcome) => boolean) =>
    [...new Set(outcomes.filter(of).map(({ outcome }) => outcome))].join();

  // Nobody has read anything: nothing can be unlocked, and what is locked cannot be called. All else can.
  const unread = await play(domain, calls);
  expect(unread).toHaveLength(calls.length);
  const isLocked = ({ tool }: Pick<Outcome, "tool">) => tool === unlockTool || tool === giveTool || locked.has(tool);
  if (names.size > 0) expect(outcomesOf(unread, isLocked)).toBe("policy/not-yet");
  for (const one of unread) if (!isLocked(one)) expect(one).toMatchObject({ outcome: "called", rule: "open" });

  // Read, and not unlocked.
  const unopened = await play(domain, [...reads(task), ...calls.filter((call) => !isOpening(call))]);
  if (names.size > 0) expect(outcomesOf(unopened, ({ tool }) => locked.has(tool))).toBe("policy/not-yet");

  // Read and unlocked: everything, as it was asked for, with the rule by which it was.
  const done = await play(domain, [...reads(task), ...calls]);
  const made = done.slice(task.required.length);
  expect(made.map(({ tool, input, outcome }) => ({ tool, input, outcome }))).toEqual(
    calls.map(({ tool, input }) => ({ tool, input, outcome: "called" })),
  );
  const opened = new Set<Json>();
  for (const { tool, input, rule } of made) {
    if (tool === unlockTool || tool === giveTool) {
      expect(rule).toBe(`${tool}:named`);
      opened.add((input as { readonly tool: Json }).tool);
    } else if (locked.has(tool)) {
      expect(rule).toMatch(/:unlocked$/);
      expect(opened, `${task.id} calls ${tool}`).toContain(tool);
    }
  }
}

describe("a bank of our own", () => {
  let folder = "";
  let domain: KnowledgeDomain;
  let task: KnowledgeTask;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tiny-bank-"));
    writeTinyBank(folder);
    domain = loadKnowledge(folder);
    task = domain.tasks[0] as KnowledgeTask;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("what is discoverable is called after a document named it and it was unlocked, and not before", () =>
    holds(domain, task));

  test("a document that names another tool, or a longer name, unlocks nothing", async () => {
    const call = (tool: string, input: DeskCall["input"]): DeskCall => ({ by: "teller", tool, input });
    const outcomes = await play(domain, [
      call("read_knowledge", { id: "doc_tea" }),
      call(unlockTool, { tool: "break_piggy_bank_17" }),
      call("read_knowledge", { id: "doc_closing" }),
      call(unlockTool, { tool: "paint_piggy_bank_99" }),
      call(unlockTool, { tool: "break_piggy_bank_17" }),
      call("paint_piggy_bank_99", { bank: "pig" }),
      call("break_piggy_bank_17", { bank: "pig" }),
      // The customer's tool is given by the other lock.
      call("read_knowledge", { id: "doc_counting" }),
      call(unlockTool, { tool: "count_coins_23" }),
      { by: "customer", tool: "count_coins_23", input: { colour: "red" } },
    ]);
    expect(outcomes.map(({ tool, outcome }) => `${tool} ${outcome}`)).toEqual([
      "read_knowledge called",
      "unlock_tool policy/not-yet",
      "read_knowledge called",
      "unlock_tool policy/not-yet",
      "unlock_tool called",
      "paint_piggy_bank_99 policy/not-yet",
      "break_piggy_bank_17 called",
      "read_knowledge called",
      "unlock_tool called",
      "count_coins_23 policy/not-yet",
    ]);
  });

  test("a passage that a search has shown is read, too", async () => {
    const outcomes = await play(domain, [
      { by: "teller", tool: "search_knowledge", input: { query: "how is a piggy bank closed" } },
      { by: "teller", tool: unlockTool, input: { tool: "break_piggy_bank_17" } },
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["called", "called"]);
  });

  test("a model is offered what is unlocked, and nothing of it before", async () => {
    const { definition, teller } = knowledgeDesk({ domain });
    const model = scriptedModel([
      callsAll(teller, [["read_knowledge", { id: "doc_closing" }]] as never),
      callsAll(teller, [[unlockTool, { tool: "break_piggy_bank_17" }]] as never),
      answers(teller, { next: "done" }),
    ]);
    const desk = runSupervisor(definition, { engine: memoryEngine(), models: { careful: model, customer: model } });
    await (await desk.start({ next: "done" }, { tenant: "bank", principal: user("ada") })).result();
    const offered = model.requests.map(({ tools }) => tools.some(({ name }) => name === "break_piggy_bank_17"));
    expect(offered).toEqual([false, false, true]);
  });

  test("files that are missing or broken are told by name", () => {
    const code = (name: string, text: string) => {
      const broken = mkdtempSync(join(tmpdir(), "broken-bank-"));
      writeTinyBank(broken);
      writeFileSync(join(broken, name), text);
      try {
        loadKnowledge(broken);
        return "read";
      } catch (thrown) {
        return thrown instanceof Tau2Error ? `${thrown.code} ${JSON.stringify(thrown.data).includes(name)}` : thrown;
      } finally {
        rmSync(broken, { recursive: true });
      }
    };
    expect(code("documents.jsonl", '{"id":1}')).toBe("tau2/file-broken true");
    expect(code("documents.jsonl", "")).toBe("tau2/file-broken true");
    expect(code("tools.json", '{"tools":[{"name":"a b"}]}')).toBe("tau2/file-broken true");
    expect(code("tasks.json", "[{}]")).toBe("tau2/file-broken true");
    expect(() => loadKnowledge(join(folder, "nowhere"))).toThrowError(/does not exist/);
  });
});

const published = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "tau2-banking-knowledge");
const present = existsSync(join(published, "tasks.json"));

describe.skipIf(!present)(`the published bank${present ? "" : ` (skipped: there is no ${published})`}`, () => {
  const domain = present ? loadKnowledge(published) : undefined;

  test.each(domain?.tasks.map((task) => [task.id, task] as const) ?? [])(
    "%s: its ground truth is denied before documents are read and tools unlocked, and made afterwards",
    (_, task) => holds(domain as KnowledgeDomain, task),
  );

  test("the search finds what a task needs far more often than by chance", () => {
    const { documents, tasks } = domain as KnowledgeDomain;
    const { library } = knowledgeDesk({ domain: domain as KnowledgeDomain });
    const recall = tasks.map(({ customer, required }) => {
      const found = new Set(library.find(customer.reason, { most: 10 }).map(({ documentId }) => documentId));
      return required.filter((id) => found.has(id)).length / required.length;
    });
    const mean = recall.reduce((sum, one) => sum + one, 0) / recall.length;
    expect(documents.length).toBe(698);
    expect(mean).toBeGreaterThan(0.35);
  });
});
