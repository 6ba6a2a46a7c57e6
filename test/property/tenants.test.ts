import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineAgent,
  defineSupervisor,
  defineTool,
  type Engine,
  eraseRun,
  errorCodes,
  exportEvidence,
  type Journal,
  type Json,
  memoryEngine,
  OrchestrationError,
  operator,
  type ResponsePart,
  type Run,
  runSupervisor,
  type StreamKind,
  type Supervisor,
  silentLogger,
  user,
} from "@remit/core";
import { exportOtelLogs } from "@remit/core/otel";
import { sqliteEngine } from "@remit/core/sqlite";
import { fakeClock, functionModel } from "@remit/core/testing";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";

/**
 * Two tenants on one engine. One has a run in every state that can be spoken to; the other tries everything that a supervisor
 * offers with the first one's ids, addresses, keys and cursors.
 *
 * N1 Nothing of the first tenant is read: no answer and no error holds a word of its runs, and every answer is the one that
 *    an id gets which nobody ever had.
 * N2 Nothing of it is changed: its streams and its index are the same, byte for byte.
 */

const owner = "acme";
const other = "globex";
/** Stands in every payload of the owner. */
const canary = "canary-7f3a";
const boss = operator("boss", ["lead"]);

const order = z.object({ do: z.string(), text: z.string() });
const input = z.object({ text: z.string() });
const output = z.object({ done: z.string() });
const common = { description: "Does it.", input, output, version: "1" } as const;
const done = ({ text }: { text: string }) => ({ done: text });
const unsay = defineTool({ ...common, name: "unsay", effect: "write", risk: "low", idempotency: "key", execute: done });
const tools = [
  defineTool({
    ...common,
    name: "say",
    effect: "write",
    risk: "low",
    idempotency: "key",
    undo: { tool: unsay, input: (given) => given },
    execute: done,
  }),
  defineTool({ ...common, name: "wipe", effect: "write", risk: "high", idempotency: "key", execute: done }),
  defineTool({
    ...common,
    name: "lose",
    effect: "write",
    risk: "low",
    idempotency: "none",
    reversible: true,
    execute: ({ text }) => {
      throw new Error(`nobody knows what became of ${text}`);
    },
  }),
  defineTool({
    ...common,
    name: "inquire",
    effect: "read",
    execute: async ({ text }, { elicit }) => {
      const schema = { type: "object", properties: { account: { type: "string" } }, required: ["account"] } as const;
      await elicit?.({ mode: "form", message: `Which account, ${text}?`, schema });
      return { done: text };
    },
  }),
];

/** An agent that does what its input says, and says so. */
function openDesk(engine: Engine, version: string): Supervisor<z.input<typeof order>, z.output<typeof output>> {
  const worker = defineAgent({
    name: "worker",
    description: "Works.",
    model: "m",
    tools,
    asks: ["customer"],
    input: order,
    output,
    instructions: "Work.",
  });
  const definition = defineSupervisor({
    name: "desk",
    version,
    agents: { worker },
    entry: "worker",
    exit: "worker",
    handoffs: [],
  });
  const model = functionModel("m", ({ input: given, messages }): readonly ResponsePart[] => {
    const { do: what, text } = given as z.output<typeof order>;
    if (messages.length > 0 || what === "answer") return [{ type: "output", value: { done: text } }];
    if (what === "ask") return [{ type: "ask", of: "customer", question: `Which, ${text}?` }];
    if (what === "fail") return [{ type: "refusal", reason: text }];
    return [{ type: "toolCall", callId: "c1", tool: what, input: { text } }];
  });
  return runSupervisor(definition, {
    engine,
    models: { m: model },
    tenants: { [owner]: {}, [other]: {} },
    budgets: { [owner]: { tokens: 1_000 }, [other]: { tokens: 1_000 } },
    restrictionsMaxAgeMs: 0,
    blobChars: 64, // Payloads are stored by reference as well.
    logger: silentLogger,
  });
}

type Desk = ReturnType<typeof openDesk>;

const kinds: readonly StreamKind[] = [
  "run",
  "budget",
  "dead-letters",
  "restrictions",
  "memory",
  "pins",
  "world",
  "answers",
  "vault",
  "disclosures",
];

/** All that the journal has of a tenant, as one text. */
async function bytesOf(journal: Journal, tenant: string): Promise<string> {
  const streams: unknown[] = [await journal.listRuns({ tenant, most: 1_000 })];
  for (const kind of kinds) {
    for (const id of await journal.listStreams(tenant, kind)) {
      const key = { tenant, kind, id } as const;
      streams.push([key, await journal.read(key), (await journal.loadSnapshot(key)) ?? null]);
    }
  }
  return JSON.stringify(streams);
}

/** One run of a tenant in each state. */
async function populate(desk: Desk, tenant: string, text: string): Promise<readonly Run[]> {
  const begin = (what: string, more: object = {}) =>
    desk.start({ do: what, text }, { tenant, principal: user("u_17"), ...more });
  const told = new Promise<void>((resolve) => {
    const stop = desk.on("question.opened", () => {
      stop();
      resolve();
    });
  });
  const runs: Run[] = [];
  for (const what of ["wipe", "say", "lose", "ask", "fail", "answer"]) {
    const run = await begin(what, { idempotencyKey: `key-${what}`, conversationId: `talk-${tenant}` });
    await run.settled();
    runs.push(run);
  }
  runs.push(await begin("inquire"));
  await told;
  const later = await begin("answer", { delayMs: 60_000 });
  for await (const { type } of later.events()) if (type === "run.parked") break;
  runs.push(later);
  return runs;
}

interface World {
  readonly engine: Engine;
  readonly desk: Desk;
  readonly next: Desk;
  /** Ids of the owner's runs, and one that nobody has, in the same form. */
  readonly runs: readonly string[];
  /** A run of the other tenant in each state. */
  readonly own: readonly Run[];
  readonly startedAt: number;
}

/** What the other tenant tries: the id that it has heard of, the path of an effect of that run, and a tenant to call itself. */
interface Attempt {
  readonly world: World;
  readonly run: string;
  readonly effect: string;
  readonly tenant: string;
  readonly key: string;
}

const reason = "none of yours";
const word = { reason, principal: boss } as const;
const effects = ["worker#1/tool#1", "worker#1/tool#1/question#1", "worker#1", ""] as const;
const keys = ["key-wipe", "key-ask", "undo:key"] as const;
/** What somebody may call themselves who wants to be taken for another: none of these is a tenant with runs. */
const names = [
  other,
  "ACME",
  "acme ",
  " acme",
  "~all",
  "*",
  "",
  "%",
  "globex/../acme",
  "acme\u0000",
  "acme\nrun",
] as const;

const address = ({ run, effect }: Attempt) => `${run}/${effect}`;

/** Everything that a supervisor and its runs offer, with somebody else's ids. */
const attempts: Readonly<Record<string, (attempt: Attempt) => Promise<unknown>>> = {
  find: ({ world, run, tenant }) => world.desk.find(run, { tenant }),
  list: ({ world, run, tenant }) =>
    world.desk.list({ tenant, conversationId: `talk-${owner}`, before: world.startedAt + 1, beforeRunId: run }),
  "list of all that wait": async ({ world, run, tenant }) =>
    (await world.desk.list({ tenant, status: ["running", "parked", "failed"], beforeRunId: run })).filter(
      (record) => record.tenant !== other,
    ),
  resume: ({ world, run, tenant }) => world.desk.resume({ tenant, runId: run }),
  replay: ({ world, run, tenant }) => world.desk.replay(run, { tenant }),
  "approvals.list": async ({ world, run, tenant }) =>
    (await world.desk.approvals.list({ tenant, before: world.startedAt + 1, beforeRunId: run })).filter(
      (open) => open.tenant !== other,
    ),
  "approvals.show": (attempt) => attempt.world.desk.approvals.show(attempt.tenant, address(attempt)),
  "approvals.reveal": (attempt) =>
    attempt.world.desk.approvals.reveal(attempt.tenant, address(attempt), { principal: boss }),
  "approvals.approve": (attempt) => attempt.world.desk.approvals.approve(attempt.tenant, address(attempt), word),
  "approvals.decide": (attempt) =>
    attempt.world.desk.approvals.decide(attempt.tenant, address(attempt), { ...word, decision: "approve" }),
  "approvals.reject": (attempt) =>
    attempt.world.desk.approvals.reject(attempt.tenant, address(attempt), { ...word, key: attempt.key }),
  "approvals.edit": (attempt) =>
    attempt.world.desk.approvals.edit(attempt.tenant, address(attempt), { text: "mine" }, word),
  "approvals.decideAll": (attempt) =>
    attempt.world.desk.approvals.decideAll(attempt.tenant, [
      { ...word, address: address(attempt), decision: "approve", key: "k1" },
      { ...word, address: address(attempt), decision: "edit", input: { text: "mine" }, key: "k2" },
    ]),
  "approvals.questions": async ({ world, run, tenant }) =>
    (await world.desk.approvals.questions({ tenant, before: world.startedAt + 1, beforeRunId: run })).filter(
      (open) => open.tenant !== other,
    ),
  "approvals.question": (attempt) => attempt.world.desk.approvals.question(attempt.tenant, address(attempt)),
  "approvals.answer": (attempt) =>
    attempt.world.desk.approvals.answer(attempt.tenant, address(attempt), {
      action: "accept",
      content: { account: "mine" },
      principal: boss,
    }),
  restrict: async ({ world, tenant, run }) => {
    await world.desk.restrict({ kind: "agent", name: run }, { tenant, ...word });
    expect((await world.desk.restrictions(owner)).map(({ reason: why }) => why)).toEqual([canary]);
    await world.desk.lift({ kind: "agent", name: run }, { tenant, ...word });
  },
  lift: ({ world, tenant }) => world.desk.lift({ kind: "tool", name: "unsay" }, { tenant, ...word }),
  restrictions: ({ world, tenant }) => world.desk.restrictions(tenant),
  budget: async ({ world, tenant }) => {
    const { bound, ...rest } = (await world.desk.budget(tenant)) as { readonly bound?: unknown };
    return tenant === other ? bound : [bound, rest];
  },
  costs: ({ world, run, tenant }) =>
    world.desk.costs(tenant, { conversationId: `talk-${owner}`, before: world.startedAt + 1, beforeRunId: run }),
  compensate: ({ world, run, tenant }) => world.desk.compensate(run, { tenant, principal: boss }),
  "compensate one": ({ world, run, tenant, effect }) =>
    world.desk.compensate(run, { tenant, effects: [effect], principal: boss }),
  "deadLetters.list": async ({ world, tenant }) =>
    (await world.desk.deadLetters.list({ tenant, before: world.startedAt + 1 })).filter(
      (letter) => letter.tenant !== other,
    ),
  "deadLetters.inspect": ({ world, run, tenant }) => world.desk.deadLetters.inspect(tenant, run),
  "deadLetters.redrive": ({ world, run, tenant }) => world.desk.deadLetters.redrive(tenant, run, { principal: boss }),
  "deadLetters.dismiss": ({ world, run, tenant }) => world.desk.deadLetters.dismiss(tenant, run, word),
  migrate: async ({ world, tenant }) => {
    const { migrated, refused } = await world.next.migrate({ from: world.desk, tenant, principal: boss, dryRun: true });
    return [...migrated, ...refused].filter((one) => one.tenant !== other);
  },
  disclosures: ({ world, run, tenant }) => world.desk.disclosures(run, { tenant }),
  eraseRun: ({ world, run, tenant }) =>
    eraseRun(
      world.engine.journal,
      { tenant, runId: run },
      { by: boss, reason, now: () => world.startedAt, salt: () => "s".repeat(22) },
    ),
  exportEvidence: async ({ world, run, tenant }) => {
    const options = { by: boss, at: world.startedAt };
    let text = "";
    for await (const line of exportEvidence(world.engine.journal, { tenant, runId: run }, options)) text += line;
    return text;
  },
  exportOtelLogs: async ({ world, run, tenant }) => {
    const records: unknown[] = [];
    const logger = { emit: (record: unknown) => void records.push(record) };
    await exportOtelLogs(world.engine.journal, { tenant, runId: run }, { logger, captureContent: true });
    return records;
  },
  "start under the same key": async ({ world, tenant, key, run }) => {
    const made = await world.desk.start(
      { do: "answer", text: "mine" },
      { tenant, principal: boss, idempotencyKey: key, conversationId: `undo:${run}` },
    );
    // It is a run of the other tenant's own, whatever the key is called elsewhere.
    expect(made.tenant).toBe(other);
    expect(world.runs).not.toContain(made.id);
    await made.settled();
  },
  "start in the same conversation": async ({ world, tenant }) => {
    const conversation = { conversationId: `talk-${owner}` };
    const made = await world.desk.start({ do: "answer", text: "mine" }, { tenant, principal: boss, ...conversation });
    await made.result();
  },
  "a run of its own, told of the other's parts": async ({ world, run, effect, key }) => {
    const outcomes: string[] = [];
    for (const own of world.own) {
      for (const act of [
        () => own.send("mine", { key, ask: `${run}/${effect}` }),
        () => own.settle(`${run}/${effect}`, { outcome: "never", ...word }),
        () => own.cancel(reason, { principal: boss, subtree: `${run}/${effect}` }),
      ]) {
        outcomes.push(
          await act().then(
            () => "done",
            (thrown: { code: string }) => thrown.code,
          ),
        );
      }
    }
    return outcomes;
  },
  "all that a run of its own tells": async ({ world }) => {
    for (const own of world.own) {
      const all = [await own.entries(), await own.questions(), await own.approvals(), await own.effects()];
      expect(JSON.stringify([all, await own.uncertain(), await own.status()])).not.toContain(canary);
    }
  },
};

/** What a supervisor offers that is about no tenant's runs. */
const aboutNobody = [
  "health",
  "on",
  "toMermaid",
  "toJson",
  "definition",
  "checkpoints",
  "name",
  "version",
  "id",
  "hash",
];

/** What came of it, with what the tenant said itself left out: an id that it knows and one that nobody has look the same. */
async function outcomeOf(name: string, attempt: Attempt): Promise<string> {
  const { run, world } = attempt;
  const masked = (value: unknown) => (JSON.stringify(value) ?? "nothing").replaceAll(run, "<run>");
  try {
    const answer = await attempts[name]?.(attempt);
    const isRun = typeof answer === "object" && answer !== null && "entries" in answer && "settle" in answer;
    return isRun ? "a run" : masked(answer);
  } catch (thrown) {
    if (!OrchestrationError.is(thrown)) throw thrown;
    expect(Object.keys(errorCodes)).toContain(thrown.code);
    const others = world.runs.filter((id) => id !== run && JSON.stringify(thrown).includes(id));
    expect(others).toEqual([]);
    return masked(thrown.toRecord() as unknown as Json);
  }
}

const nobodys = "run_AAAAAAAAAAAAAAAAAAAAAA";

async function openWorld(engine: Engine): Promise<World> {
  const desk = openDesk(engine, "1");
  const next = openDesk(engine, "2");
  const runs = await populate(desk, owner, canary);
  await desk.restrict({ kind: "tool", name: "unsay" }, { tenant: owner, reason: canary, principal: boss });
  const own = await populate(desk, other, "plain");
  const records = await engine.journal.listRuns({ tenant: owner, most: 100 });
  return { engine, desk, next, runs: runs.map(({ id }) => id), own, startedAt: records[0]?.startedAt ?? 0 };
}

const folder = mkdtempSync(join(tmpdir(), "remit-tenants-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engines: readonly (readonly [name: string, open: () => Engine])[] = [
  ["memory", () => memoryEngine({ clock: fakeClock() })],
  ["sqlite", () => sqliteEngine({ path: join(folder, "journal.db"), clock: fakeClock() })],
];

test("there is nothing that a supervisor offers and nobody tries", async () => {
  const engine = memoryEngine({ clock: fakeClock() });
  const desk = openDesk(engine, "1") as unknown as Readonly<Record<string, unknown>>;
  const offered = Object.keys(desk).flatMap((name) => {
    const member = desk[name];
    if (typeof member === "function") return [name];
    if (typeof member !== "object" || member === null || aboutNobody.includes(name)) return [];
    return Object.keys(member)
      .filter((inner) => typeof (member as Record<string, unknown>)[inner] === "function")
      .map((inner) => `${name}.${inner}`);
  });
  const tried = Object.keys(attempts);
  const missing = offered.filter(
    (name) => !aboutNobody.includes(name) && !tried.some((one) => one === name || one.startsWith(`${name} `)),
  );
  expect(missing).toEqual([]);
  await engine.close();
});

describe.each(engines)("two tenants on one %s engine", (_, open) => {
  test("N1 N2 whatever one tries with the ids of the other reads nothing and changes nothing", async () => {
    const engine = open();
    const world = await openWorld(engine);
    const before = await bytesOf(engine.journal, owner);
    expect(before).toContain(canary);
    const statuses = (await engine.journal.listRuns({ tenant: owner, most: 100 })).map(({ status }) => status).sort();
    expect(statuses).toEqual(["completed", "completed", "failed", "parked", "parked", "parked", "parked", "running"]);
    const look = async (attempt: Omit<Attempt, "world" | "run">, name: string, run: string) => {
      const given = { world, ...attempt };
      const outcome = await outcomeOf(name, { ...given, run });
      expect(outcome).not.toContain(canary);
      // The second start under a key of its own is the first one again; all else is told twice the same.
      expect(outcome).toBe(await outcomeOf(name, { ...given, run: nobodys }));
    };

    // Each of them once with each run and under each name, then in any order with any of the rest.
    for (const name of Object.keys(attempts)) {
      for (const run of world.runs) {
        await look({ effect: effects[0], tenant: other, key: keys[0] }, name, run);
      }
      for (const tenant of names) await look({ effect: effects[0], tenant, key: keys[1] }, name, world.runs[0] ?? "");
    }
    expect(await bytesOf(engine.journal, owner)).toBe(before);

    const arbAttempt = fc.record({
      name: fc.constantFrom(...Object.keys(attempts)),
      run: fc.constantFrom(...world.runs),
      effect: fc.constantFrom(...effects),
      tenant: fc.oneof({ weight: 2, arbitrary: fc.constant(other) }, fc.constantFrom(...names)),
      key: fc.constantFrom(...keys),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(arbAttempt, { minLength: 1, maxLength: 8 }), async (all) => {
        for (const { name, run, ...attempt } of all) await look(attempt, name, run);
        expect(await bytesOf(engine.journal, owner)).toBe(before);
      }),
      { numRuns: Number(process.env.REMIT_PROPERTY_RUNS ?? 60) },
    );

    // And the owner goes on as if nothing had been.
    const [waiting] = await world.desk.approvals.list({ tenant: owner });
    const granted = await world.desk.approvals.approve(owner, waiting?.address ?? "", word);
    expect(granted.outcome).toBe("granted");
    const finished = await world.desk.find(waiting?.run ?? "", { tenant: owner });
    expect(await finished.result()).toMatchObject({ status: "completed", output: { done: canary } });
    expect((await world.desk.restrictions(owner)).map(({ reason: why }) => why)).toEqual([canary]);
    await engine.close();
  }, 120_000);
});
