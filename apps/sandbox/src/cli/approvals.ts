import {
  type ApprovalCase,
  type ApprovalDecision,
  type DecisionTaken,
  type Journal,
  type Json,
  openCasesOf,
  openQuestionsOf,
  type QuestionCase,
  type RevealedCase,
  type Run,
  type RunRecord,
} from "@remit/core";
import { decideOn } from "../console/acting.ts";
import { SandboxError } from "../errors.ts";
import { caseLines, caseTable, revealedLines } from "../face/case.ts";
import { questionTable } from "../face/question.ts";
import { count } from "../face/text.ts";
import { findQuestion, showQuestion } from "./answers.ts";
import type { Books, WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { wentOnLines } from "./go-on.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { type RecordedRun, readRun } from "./recorded-run.ts";

/** Writes and questions that wait for a person: which, what there is to know, and people's words on writes. */

export interface ListOptions extends WhoseRuns {
  readonly all?: boolean;
  readonly json?: boolean;
}

const everyRun = 1_000_000;

/** Lists what waits in the newest suite, in a named one, or in all. */
export async function listApprovals(
  name: string | undefined,
  options: ListOptions,
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  await using books = await openBooks(options, context);
  const { place, engine, kind } = books;
  // Of one's own application all tenants that are meant; of suites the newest.
  const every = options.all === true || (kind === "tenant" && name === undefined);
  const tenants = every ? books.all() : [books.named(name)];
  const found: ApprovalCase[] = [];
  const questions: QuestionCase[] = [];
  for (const tenant of tenants) {
    const open = await openIn(engine.journal, tenant);
    found.push(...open.cases);
    questions.push(...open.questions);
  }
  const now = engine.clock.now();
  if (options.json === true) {
    context.json({ command: "approvals list", [`${kind}s`]: tenants, approvals: found, questions });
    return 0;
  }
  const where = tenants.length === 1 ? (tenants[0] ?? "") : count(tenants.length, kind);
  if (found.length === 0 && questions.length === 0) {
    out.print(`Nothing waits for an approval in ${where}.`);
    return 0;
  }
  const [first] = [...found, ...questions];
  const head = (number: number, noun: string, what: string) =>
    `${out.paint.strong(`${count(number, noun)} ${number === 1 ? "waits" : "wait"} for ${what}`)} ${out.paint.quiet(`· ${where}`)}`;
  out.print(
    ...(found.length > 0 ? [head(found.length, "write", "an approval"), "", ...caseTable(found, now, out), ""] : []),
    ...(questions.length > 0
      ? [head(questions.length, "question", "an answer"), "", ...questionTable(questions, now, out), ""]
      : []),
    `To look at one: ${place.command(`approvals show ${first?.address ?? ""}`)}`,
  );
  return 0;
}

async function openIn(journal: Journal, tenant: string) {
  const records = await journal.listRuns({
    tenant,
    status: ["running", "parked"],
    waitingFor: "approval",
    most: everyRun,
  });
  const cases: ApprovalCase[] = [];
  const questions: QuestionCase[] = [];
  for (const record of records) {
    const { entries } = await readRun(journal, record);
    cases.push(...openCasesOf(entries, record));
    questions.push(...openQuestionsOf(entries, record));
  }
  return { cases, questions };
}

export interface ShowOptions extends PersonOptions, WhoseRuns {
  /** Arguments in the clear, for whoever may decide and has a role that is cleared. */
  readonly reveal?: boolean;
  readonly json?: boolean;
}

export async function showApproval(address: string, options: ShowOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  await using books = await openBooks(options, context);
  const { place, engine } = books;
  const asked = await findQuestion(books, address);
  if (asked) {
    if (options.json === true) context.json({ command: "approvals show", question: asked.open });
    else showQuestion(asked.open, engine.clock.now(), { place, out });
    return 0;
  }
  const { record, open: sealed, run } = await findCase(books, address);
  const shown = options.reveal === true ? await revealed(books, record, sealed, options) : undefined;
  const open = shown ?? sealed;
  if (options.json === true) {
    context.json({ command: "approvals show", approval: open });
    return 0;
  }
  const command = (words: string) => `  ${place.command(`approvals ${words}`)}`;
  // Whoever says nothing is of the staff; a command that would be refused as it stands is of no use.
  const [role = "staff"] = open.roles;
  const as = open.roles.length === 0 || open.roles.includes("staff") ? "" : ` --role ${role}`;
  out.print(
    ...caseLines(open, run.entries, engine.clock.now(), out),
    ...(shown ? ["", ...revealedLines(shown, out)] : []),
    "",
    out.paint.strong("To decide"),
    command(`approve ${open.address} --reason "…"${as}`),
    command(`reject ${open.address} --reason "…"${as}`),
    command(`edit ${open.address} --input '${JSON.stringify(sealed.input)}' --reason "…"${as}`),
    "",
    developmentLine(out),
  );
  return 0;
}

/** The same case as its supervisor shows it to this person. */
async function revealed(
  books: Books,
  record: RunRecord,
  open: ApprovalCase,
  who: PersonOptions,
): Promise<RevealedCase> {
  const principal = personOf(who);
  await using work = await books.work(record, { drives: false });
  return await work.supervisor.approvals.reveal(open.tenant, open.address, { principal });
}

export interface DecideOptions extends PersonOptions, WhoseRuns {
  readonly reason: string;
  readonly input?: string;
  readonly json?: boolean;
}

/** Says a person's word on one write, lets the run go on here, and tells what came of it. */
export async function decideApproval(
  decision: ApprovalDecision["decision"],
  address: string,
  options: DecideOptions,
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  const input = decision === "edit" ? jsonOf(options.input) : undefined;
  await using books = await openBooks(options, context);
  const { record, open, run: recorded } = await findCase(books, address);
  await using work = await books.work(record);
  const { reason } = options;
  const { binding } = open;
  const said: ApprovalDecision =
    decision === "edit"
      ? { decision, reason, principal, binding, input: input ?? null }
      : { decision, reason, principal, binding };
  const acting = { supervisor: work.supervisor, goOn: (run: Run) => work.goOn(run, recorded.scenario) };
  const { taken, went: going } = await decideOn(acting, open, said);
  const went = await going;
  if (options.json === true) {
    context.json({ command: `approvals ${decision}`, ok: true, exitCode: 0, taken, by: principal, run: went });
    return 0;
  }
  const { paint } = out;
  const tint = decision === "approve" ? paint.good : paint.warn;
  out.print(
    `${tint(takenText(taken, open))} ${paint.quiet(`· by ${principal.id}`)}`,
    developmentLine(out),
    "",
    ...(taken.outcome === "recorded" ? ["Somebody else has to approve it, too."] : []),
    ...wentOnLines(went, context, books.place),
  );
  return 0;
}

function takenText({ outcome }: DecisionTaken, { tool, approvals, quorum }: ApprovalCase): string {
  switch (outcome) {
    case "recorded":
      return `${tool}: ${approvals.length + 1} of ${quorum} approvals`;
    case "granted":
      return `${tool} is approved`;
    case "rejected":
      return `${tool} is rejected`;
    case "edited":
      return `${tool} has other arguments now`;
  }
}

/**
 * The case that a text stands for: an address, also with a part of the run's id or its scenario's name; or a run alone,
 * where only one of its writes waits.
 * @throws SandboxError `suite/run-*`, `approval/none-waits`, `approval/several-wait`
 */
async function findCase(
  { find, engine }: Books,
  text: string,
): Promise<{ readonly record: RunRecord; readonly open: ApprovalCase; readonly run: RecordedRun }> {
  const slash = text.indexOf("/");
  const name = slash < 0 ? text : text.slice(0, slash);
  const effect = slash < 0 ? undefined : text.slice(slash + 1);
  const record = await find(name);
  const run = await readRun(engine.journal, record);
  const cases = openCasesOf(run.entries, record);
  const [open, ...others] = effect === undefined ? cases : cases.filter((one) => one.effect === effect);
  if (!open)
    throw new SandboxError("approval/none-waits", { run: record.runId, effect: effect ?? "any of its writes" });
  if (others.length > 0) {
    const addresses = cases.map((one) => one.address).join(", ");
    throw new SandboxError("approval/several-wait", { run: record.runId, count: cases.length, addresses });
  }
  return { record, open, run };
}

function jsonOf(text: string | undefined): Json {
  if (text === undefined) throw new SandboxError("usage/wrong", { reason: "edit needs --input <json>: all arguments" });
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const reason = `--input is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new SandboxError("usage/wrong", { reason }, { cause });
  }
}
