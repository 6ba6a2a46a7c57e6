import type { DeadLetterRun, Run } from "@remit/core";
import { redriveRun } from "../console/acting.ts";
import { errorText } from "../face/beat.ts";
import { minuteText } from "../face/case.ts";
import { glance } from "../face/glance.ts";
import { pairs } from "../face/table.ts";
import { count, cut, printable } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { wentOnLines } from "./go-on.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { readRun } from "./recorded-run.ts";

/** Runs that failed: to be looked at, done again, or put aside. */

interface JsonOption extends WhoseRuns {
  readonly json?: boolean;
}

export async function listLetters(name: string | undefined, options: JsonOption, context: Context): Promise<ExitCode> {
  const { out } = context;
  await using books = await openBooks(options, context);
  const { place } = books;
  const tenant = books.named(name);
  const letters: DeadLetterRun[] = [];
  for (const { deadLetters } of await books.supervisors(tenant)) {
    letters.push(...(await deadLetters.list({ tenant, most: 1_000 })));
  }
  if (options.json === true) {
    context.json({ command: "dead-letters list", [books.kind]: tenant, letters });
    return 0;
  }
  if (letters.length === 0) {
    out.print(`No run of ${tenant} has failed without somebody having dealt with it.`);
    return 0;
  }
  const { strong, quiet, bad } = out.paint;
  out.print(`${strong(`${count(letters.length, "run")} failed`)} ${quiet(`· ${tenant}`)}`, "");
  for (const { run, failedAt, error, standing } of letters) {
    const left = standing.length > 0 ? ` · ${count(standing.length, "effect")} standing` : "";
    out.print(`${out.paint.name(run)} ${quiet(`${minuteText(failedAt)}${left}`)}`);
    out.print(`  ${bad(cut(printable(errorText(error)), out.columns - 2))}`);
  }
  out.print("", `To look at one: ${place.command(`dead-letters show ${letters[0]?.run ?? ""}`)}`);
  return 0;
}

export async function showLetter(wanted: string, options: JsonOption, context: Context): Promise<ExitCode> {
  await using books = await openBooks(options, context);
  const record = await books.find(wanted);
  const supervisor = await books.offline(record);
  const letter = await supervisor.deadLetters.inspect(record.tenant, record.runId);
  if (options.json === true) {
    context.json({ command: "dead-letters show", letter });
    return 0;
  }
  context.out.print(...letterLines(letter, { out: context.out, place: books.place }));
  return 0;
}

function letterLines(
  { run, failedAt, error, by, input, standing }: DeadLetterRun,
  { out, place }: Pick<Context, "out" | "place">,
): string[] {
  const { columns, paint } = out;
  const facts: [string, string][] = [
    ["failed", minuteText(failedAt)],
    ["error", errorText(error)],
    ["by", by],
    ["input", glance(input)],
    ...standing.map(({ effect, tool, outcome }, index): [string, string] => [
      index === 0 ? "standing" : "",
      `${tool} (${effect}): ${outcome}`,
    ]),
  ];
  const stands = "Effects of it stand, so it cannot be done again as it is: undo them, or put it aside.";
  return [
    paint.name(run),
    ...pairs(
      facts.map(([name, value]) => [name, printable(value)] as const),
      { columns, name: paint.quiet },
    ),
    "",
    ...(standing.length > 0
      ? [paint.warn(stands), `  ${place.command(`compensate ${run}`)}`]
      : [`  ${place.command(`dead-letters redrive ${run}`)}`]),
    `  ${place.command(`dead-letters dismiss ${run} --reason "…"`)}`,
  ];
}

/** Starts a new run in the place of a failed one, and lets it go on here. */
export async function redriveLetter(
  wanted: string,
  options: PersonOptions & JsonOption,
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  await using books = await openBooks(options, context);
  const record = await books.find(wanted);
  const { scenario } = await readRun(books.engine.journal, record);
  await using work = await books.work(record);
  const acting = { supervisor: work.supervisor, goOn: (run: Run) => work.goOn(run, scenario) };
  const where = { tenant: record.tenant, run: record.runId };
  const { taken: as, went: going } = await redriveRun(acting, where, { principal });
  const went = await going;
  if (options.json === true) {
    context.json({ command: "dead-letters redrive", ok: true, exitCode: 0, as, by: principal, run: went });
    return 0;
  }
  out.print(
    `${as} takes the place of ${record.runId} ${out.paint.quiet(`· by ${principal.id}`)}`,
    developmentLine(out),
  );
  out.print("", ...wentOnLines(went, context, books.place));
  return 0;
}

export async function dismissLetter(
  wanted: string,
  options: PersonOptions & JsonOption & { readonly reason: string },
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  await using books = await openBooks(options, context);
  const record = await books.find(wanted);
  const supervisor = await books.offline(record);
  await supervisor.deadLetters.dismiss(record.tenant, record.runId, { reason: options.reason, principal });
  if (options.json === true) {
    context.json({ command: "dead-letters dismiss", ok: true, exitCode: 0, run: record.runId, by: principal });
    return 0;
  }
  out.print(`${record.runId} is put aside ${out.paint.quiet(`· by ${principal.id}`)}`, developmentLine(out));
  return 0;
}
