import {
  type Batch,
  defineAgent,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  defineSupervisor,
  defineThreshold,
  defineTool,
  type Engine,
  type Entry,
  effectCase,
  effectVerdict,
  type HostOptions,
  type Journal,
  type Json,
  localEngine,
  type Model,
  memoryJournal,
  operator,
  outputOf,
  runSupervisor,
  type SupervisorDefinition,
  seededIds,
  sha256,
  silentLogger,
  ToolRefusal,
  user,
} from "@remit/core";
import {
  answers,
  asks,
  calls,
  callsAll,
  type FakeClock,
  fakeClock,
  says,
  scriptedModel,
  type Turn,
} from "@remit/core/testing";
import { z } from "zod";

/**
 * Small runs of a library's desk, which use every kind of edge, entry and end between them, and of its cash desk, where a
 * write is judged, edited, approved, tried again, paid for and undone. Ids, salts, keys and
 * time are fixed, so that their journals come out again to the last byte.
 */

const tenant = "golden";
const request = z.object({ text: z.string() });

const findBook = defineTool({
  name: "find_book",
  description: "Finds a book by its shelf mark.",
  input: z.object({ mark: z.string() }),
  output: z.object({ title: z.string(), lent: z.boolean() }),
  effect: "read",
  labels: ["catalogue"],
  version: "1",
  execute: ({ mark }) => ({ title: `Book ${mark}`, lent: mark === "B2" }),
});
const lendBook = defineTool({
  name: "lend_book",
  description: "Lends a book to a reader.",
  input: z.object({ mark: z.string(), reader: z.string() }),
  output: z.object({ dueDay: z.int() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  version: "1",
  execute: ({ mark }) => {
    if (mark === "B2") throw new ToolRefusal("it is lent");
    return { dueDay: 21 };
  },
});

const door = defineAgent({
  name: "door",
  description: "Says what a reader wants.",
  model: "small",
  tools: [],
  input: request,
  output: z.object({ wish: z.enum(["borrow", "complain", "leave"]), mark: z.string(), sure: z.number() }),
  instructions: "Name the wish and the shelf mark.",
});
const shelf = defineAgent({
  name: "shelf",
  description: "Looks a book up.",
  model: "small",
  tools: [findBook],
  input: z.object({ mark: z.string() }),
  output: z.object({ title: z.string(), lent: z.boolean() }),
  effects: "read",
  instructions: "Look it up.",
});
const card = defineAgent({
  name: "card",
  description: "Looks at the reader's card.",
  model: "small",
  tools: [],
  input: z.object({ mark: z.string() }),
  output: z.object({ reader: z.string() }),
  asks: ["customer"],
  instructions: "Ask for the reader's number.",
});
const counter = defineAgent({
  name: "counter",
  description: "Lends the book.",
  model: "small",
  tools: [lendBook],
  input: z.object({ mark: z.string(), reader: z.string(), title: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Lend it, once.",
});

const libraryOf = (own: { readonly trusted?: readonly string[] }) =>
  defineSupervisor({
    name: "library",
    version: "1",
    agents: { door, shelf, card, counter },
    entry: "door",
    exit: "counter",
    ...own,
    handoffs: [
      defineDenial({ from: door, reason: "not_here", when: ({ wish }) => wish === "leave", version: "1" }),
      defineQuestion({
        from: door,
        to: counter,
        of: "operator",
        name: "complaint",
        when: ({ wish }) => wish === "complain",
        ask: ({ mark }) => `What shall we do about ${mark}?`,
        map: (answer, { mark }) => ({ mark, reader: "staff", title: answer }),
        version: "1",
      }),
      defineParallel({
        from: door,
        name: "look",
        with: { wish: outputOf(door) },
        branches: {
          book: { to: shelf, map: ({ mark }) => ({ mark }) },
          reader: { to: card, map: ({ mark }) => ({ mark }) },
        },
        join: { to: counter, map: ({ book, reader }, { wish }) => ({ mark: wish.mark, ...reader, title: book.title }) },
        version: "1",
      }),
      defineHandoff({
        from: counter,
        to: door,
        name: "again",
        max: 1,
        when: ({ reply }) => reply === "again",
        map: () => ({ text: "again" }),
        version: "1",
      }),
      defineEscalation({ from: counter, reason: "stuck", when: ({ reply }) => reply === "stuck", version: "1" }),
    ],
    thresholds: [
      defineThreshold({ agent: door, atLeast: 0.6, read: ({ sure }) => sure, stronger: "large", version: "1" }),
    ],
  });

const library = libraryOf({ trusted: ["catalogue"] });
/** As it was when journals were stored that knew of no foreign data. */
const elderLibrary = libraryOf({});

/** Paid for, waited for, tried again and undone: what the library's desk never needs. */
const chargeFine = defineTool({
  name: "charge_fine",
  description: "Charges a fine.",
  input: z.object({ reader: z.string(), cents: z.int() }),
  output: z.object({ open: z.int() }),
  effect: "write",
  risk: "medium",
  idempotency: "key",
  version: "1",
  execute: ({ cents }) => ({ open: cents }),
});
const waiveFine = defineTool({
  name: "waive_fine",
  description: "Waives a fine.",
  input: z.object({ reader: z.string(), cents: z.int() }),
  output: z.object({ open: z.int() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  version: "1",
  undo: { tool: chargeFine, input: ({ reader, cents }) => ({ reader, cents }) },
  execute: (_, { attempt }) => {
    // The first time nobody answers, and nothing was sent.
    if (attempt === 1) throw Object.assign(new Error("away"), { code: "ECONNREFUSED", mayHaveExecuted: false });
    return { open: 0 };
  },
});
const cashier = defineAgent({
  name: "cashier",
  description: "Sees to fines.",
  model: "small",
  tools: [waiveFine],
  input: request,
  output: z.object({ reply: z.string() }),
  instructions: "Waive what is asked for.",
});
const judge = defineAgent({
  name: "judge",
  description: "Says what the rules say.",
  model: "small",
  tools: [],
  effects: "read",
  input: effectCase,
  output: effectVerdict,
  instructions: "Judge it.",
});
const cashDesk = defineSupervisor({
  name: "cash-desk",
  version: "1",
  agents: { cashier },
  entry: "cashier",
  exit: "cashier",
  handoffs: [],
  judges: { compliance: judge },
  approvals: [{ tool: waiveFine, by: "human", quorum: 2, roles: ["lead"] }],
  budget: { run: { microUsd: 1_000 } },
});

interface GoldenRun {
  readonly name: string;
  /** At the cash desk, whose people approve; its undo is the run that is kept, where it says so. */
  readonly at?: "cash-desk" | "cash-desk, undone";
  readonly turns: readonly Turn[];
  /** What people answer, in order. */
  readonly replies: readonly Json[];
}

/** The runs, by the names of their files. */
export const goldenRuns: readonly GoldenRun[] = [
  {
    name: "a-book-is-lent",
    turns: [
      answers(door, { wish: "borrow", mark: "A1", sure: 0.3 }),
      answers(door, { wish: "borrow", mark: "A1", sure: 0.9 }),
      calls(shelf, "find_book", { mark: "A1" }),
      answers(shelf, { title: "Book A1", lent: false }),
      asks(card, "customer", "What is your number?"),
      answers(card, { reader: "r-7" }),
      calls(counter, "lend_book", { mark: "A1", reader: "r-7" }),
      answers(counter, { reply: "Bring it back on day 21." }),
    ],
    replies: ["r-7"],
  },
  {
    name: "a-complaint-gets-stuck",
    turns: [
      says(door, { type: "output", value: { wish: "shout" } }),
      answers(door, { wish: "complain", mark: "B2", sure: 1 }),
      callsAll(counter, [
        ["find_book", { mark: "B2" }],
        ["burn_book", { mark: "B2" }],
        ["lend_book", { mark: 2 }],
        ["lend_book", { mark: "B2", reader: "staff" }],
      ]),
      answers(counter, { reply: "stuck" }),
    ],
    replies: ["look again"],
  },
  {
    name: "nothing-to-do-here",
    turns: [answers(door, { wish: "leave", mark: "", sure: 1 })],
    replies: [],
  },
  ...(
    [
      // Stored when each outcome had `budget.settled` behind it.
      ["a-fine-is-waived", "cash-desk"],
      // Stored since an outcome settles its call (ADR 13).
      ["a-fine-is-waived-again", "cash-desk"],
      ["a-waiver-is-undone", "cash-desk, undone"],
    ] as const
  ).map(([name, at]) => ({
    name,
    at,
    turns: [
      calls(cashier, "waive_fine", { reader: "r-7", cents: 900 }),
      answers(judge, { verdict: "allow", ruleIds: ["fines-1"], reasons: ["once a year"], conditions: [] }),
      answers(judge, { verdict: "escalate", ruleIds: ["fines-2"], reasons: ["edited"], conditions: [] }),
      answers(cashier, { reply: "Half of it is waived." }),
    ],
    replies: [],
  })),
];

const runIdOf = (supervisor: string, key: string) => `run_${sha256(`${tenant}\n${supervisor}\n${key}`).slice(0, 22)}`;
const firstIdOf = (run: GoldenRun) => runIdOf(run.at ? "cash-desk" : "library", run.name);
const undoIdOf = (run: GoldenRun, before: string) =>
  `run_${sha256(`${before}${tenant}\ncash-desk\nundo:${firstIdOf(run)}#1`).slice(0, 22)}`;
const streamOf = (run: GoldenRun, before: string) => {
  const id = run.at === "cash-desk, undone" ? undoIdOf(run, before) : firstIdOf(run);
  return { tenant, kind: "run", id } as const;
};
/** The stream of a run that is played. */
export const goldenStream = (run: GoldenRun) => streamOf(run, "\n");
/** Where it was when its journal was stored: what undoes was named then as a run that somebody starts under a key. */
export const storedStream = (run: GoldenRun) => streamOf(run, "");
export const storedDefinitionOf = (run: GoldenRun) =>
  (run.at ? cashDesk : elderLibrary) as unknown as SupervisorDefinition;
export const definitionOf = (run: GoldenRun) => (run.at ? cashDesk : library) as unknown as SupervisorDefinition;
/** The tenant's secret of these runs, by which argument hashes and keys come out again. */
export const goldenKey = () => sha256("a key for goldens");

/** What a played run left. */
export interface PlayedGolden {
  readonly entries: readonly Entry[];
  readonly batches: readonly Batch[];
  readonly journal: Journal;
}

/** Plays one run from its start to its end. */
export async function playGolden(run: GoldenRun, host: HostOptions = {}): Promise<PlayedGolden> {
  const journal = memoryJournal({ newKey: goldenKey });
  const clock = fakeClock();
  const engine = localEngine({ name: "golden", journal, clock, logger: silentLogger, ids: seededIds(7) });
  const model = scriptedModel(run.turns);
  if (run.at) return playAtCashDesk(run, { engine, journal, clock, model, host });
  const models = { small: model, large: model };
  const supervisor = runSupervisor(library, { engine, models, ids: seededIds(8), ...host });
  const started = await supervisor.start(
    { text: run.name },
    { tenant, principal: user("reader"), idempotencyKey: run.name, attributes: { hall: "north" } },
  );
  for (const [index, reply] of run.replies.entries()) {
    await started.settled();
    clock.advance(1_000);
    const [open] = await started.questions();
    const principal = open?.of === "operator" ? operator("staff") : user("reader");
    await started.send(reply, { key: `reply-${index}`, principal });
  }
  await started.result();
  model.assertUsed();
  await engine.idle();
  return { entries: await started.entries(), batches: await journal.read(goldenStream(run)), journal };
}

/** The write is edited by one, approved by two others, not reached, tried again; and undone, if that is what is kept. */
async function playAtCashDesk(
  run: GoldenRun,
  parts: {
    readonly engine: Engine;
    readonly journal: Journal;
    readonly clock: FakeClock;
    readonly model: ReturnType<typeof scriptedModel>;
    readonly host: HostOptions;
  },
): Promise<PlayedGolden> {
  const { engine, journal, clock, model, host } = parts;
  const small: Model = { ...model, cost: "paid", quote: () => ({ microUsd: 40, tokens: 300 }) };
  const budgets = { [tenant]: { microUsd: 10_000, slice: { microUsd: 100 } } };
  const supervisor = runSupervisor(cashDesk, { engine, models: { small }, ids: seededIds(8), budgets, ...host });
  supervisor.on("step.retried", ({ body }) => clock.advance(body.dueAt - clock.now()));
  const word = (id: string) => ({ principal: operator(id, ["lead"]), reason: "looked at it", key: `word-of-${id}` });
  const { approvals } = supervisor;
  const started = await supervisor.start(
    { text: run.name },
    { tenant, principal: user("reader"), idempotencyKey: run.name },
  );
  await started.settled();
  clock.advance(1_000);
  const [open] = await started.approvals();
  const edited = await approvals.edit(tenant, open?.address ?? "", { reader: "r-7", cents: 450 }, word("anna"));
  await started.settled();
  clock.advance(1_000);
  for (const id of ["bert", "cora"]) await approvals.approve(tenant, edited.next ?? "", word(id));
  await started.result();
  model.assertUsed();
  if (run.at === "cash-desk, undone") {
    const undo = await supervisor.compensate(started.id, { tenant, principal: operator("dora") });
    await undo.settled();
    const [asked] = await undo.approvals();
    await approvals.approve(tenant, asked?.address ?? "", word("emil"));
    await undo.result();
  }
  const kept = await supervisor.find(goldenStream(run).id, { tenant });
  await engine.idle();
  return { entries: await kept.entries(), batches: await journal.read(goldenStream(run)), journal };
}
