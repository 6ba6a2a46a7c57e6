import { type Json, openQuestionsOf, type QuestionAnswer, type QuestionCase, type RunRecord } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { contentSample, questionLines } from "../face/question.ts";
import type { Books, WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { readRun } from "./recorded-run.ts";

/** Questions of tools under way, and people's answers to them. */

export interface AnswerOptions extends PersonOptions, WhoseRuns {
  /** The form's values as a JSON object; with it, or with neither of the others, the answer is yes. */
  readonly content?: string;
  readonly decline?: boolean;
  readonly cancel?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

/** Says a person's answer to one question. The run goes on where the call is under way, not here. */
export async function answerQuestion(address: string, options: AnswerOptions, context: Context): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  const said = saidOf(options);
  await using books = await openBooks(options, context);
  const found = await findQuestion(books, address);
  if (!found) throw new SandboxError("approval/none-waits", { run: address, effect: "any of its questions" });
  const { open, record } = found;
  // A run that is under way elsewhere takes its answers there: nothing is driven here.
  await using work = await books.work(record, { drives: false });
  const taken = await work.supervisor.approvals.answer(open.tenant, open.address, {
    ...said,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    principal,
    binding: open.binding,
  });
  if (options.json === true) {
    context.json({ command: "approvals answer", ok: true, exitCode: 0, taken, by: principal });
    return 0;
  }
  const { paint } = out;
  out.print(
    `${paint.good(`${open.tool} is told: ${said.action}`)} ${paint.quiet(`· by ${principal.id}`)}`,
    developmentLine(out),
    "",
    ...(taken.outcome === "left"
      ? [
          "The process that makes the call has not taken it yet. It is kept, and counts when the call goes on:",
          ...(books.kind === "suite" ? [`  ${books.place.command("resume")}`] : []),
        ]
      : ["The run goes on where its call is under way."]),
  );
  return 0;
}

/** Shows one question and how it can be answered. */
export function showQuestion(open: QuestionCase, now: number, { place, out }: Pick<Context, "place" | "out">): void {
  const command = (words: string) => `  ${place.command(`approvals answer ${open.address}${words}`)}`;
  out.print(
    ...questionLines(open, now, out),
    "",
    out.paint.strong("To answer"),
    command(open.mode === "form" ? ` --content '${contentSample(open.fields)}'` : ""),
    command(" --decline"),
    command(" --cancel"),
    "",
    developmentLine(out),
  );
}

/**
 * The question that a text stands for: an address, also with a part of the run's id or its scenario's name; or a run alone,
 * where only one question of it waits. Nothing where none does.
 * @throws SandboxError `suite/run-*`, `approval/several-wait`
 */
export async function findQuestion(
  { find, engine }: Books,
  text: string,
): Promise<{ readonly record: RunRecord; readonly open: QuestionCase } | undefined> {
  const slash = text.indexOf("/");
  const record = await find(slash < 0 ? text : text.slice(0, slash));
  const all = openQuestionsOf((await readRun(engine.journal, record)).entries, record);
  const [open, ...others] = slash < 0 ? all : all.filter(({ question }) => question === text.slice(slash + 1));
  if (others.length > 0) {
    const addresses = all.map((one) => one.address).join(", ");
    throw new SandboxError("approval/several-wait", { run: record.runId, count: all.length, addresses });
  }
  return open && { record, open };
}

function saidOf({ content, decline, cancel }: AnswerOptions): Pick<QuestionAnswer, "action" | "content"> {
  if ([content !== undefined, decline === true, cancel === true].filter(Boolean).length > 1) {
    throw new SandboxError("usage/wrong", { reason: "answer takes one of --content, --decline and --cancel" });
  }
  if (decline === true) return { action: "decline" };
  if (cancel === true) return { action: "cancel" };
  if (content === undefined) return { action: "accept" };
  let given: Json;
  try {
    given = JSON.parse(content) as Json;
  } catch (cause) {
    const reason = `--content is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new SandboxError("usage/wrong", { reason }, { cause });
  }
  // Whether it fits its form, the inbox says.
  return { action: "accept", content: given as NonNullable<QuestionAnswer["content"]> };
}
