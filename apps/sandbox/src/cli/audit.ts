import { closeSync, createReadStream, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { type EvidenceReport, ed25519Signer, exportEvidence, verifyEvidence } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { printable } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { openBooks } from "./open-books.ts";
import { type PersonOptions, personOf } from "./person.ts";

export interface AuditOptions extends PersonOptions, WhoseRuns {
  readonly out?: string;
  /** To export: a private key that signs the file. To verify: a public key whose signatures count. */
  readonly key?: string;
  /** Absent: a run is exported. */
  readonly verify?: string;
  readonly json?: boolean;
}

/** Exports a run as evidence, or checks such a file. Exit code 1 when something is not what was written. */
export async function audit(wanted: string | undefined, options: AuditOptions, context: Context): Promise<ExitCode> {
  if (options.verify !== undefined) {
    if (wanted !== undefined) throw new SandboxError("usage/wrong", { reason: "--verify takes a file, and no run" });
    return verify(options.verify, options, context);
  }
  if (wanted === undefined) {
    throw new SandboxError("usage/wrong", { reason: "audit needs a run, or --verify <file>" });
  }
  if (options.json === true && options.out === undefined) {
    throw new SandboxError("usage/wrong", { reason: "the file itself is JSON; with --json it needs --out <file>" });
  }
  const { place } = context;
  const signer =
    options.key === undefined ? undefined : ed25519Signer(readFileSync(place.resolve(options.key), "utf8"));
  await using books = await openBooks(options, context);
  const { engine } = books;
  const record = await books.find(wanted);
  const lines = exportEvidence(engine.journal, record, {
    by: personOf(options),
    at: Date.now(),
    ...(signer ? { signer } : {}),
  });
  if (options.out === undefined) {
    for await (const line of lines) context.out.print(line.slice(0, -1));
    return 0;
  }
  const count = await writeTo(place.resolve(options.out), lines);
  const told = { command: "audit", run: record.runId, file: options.out, lines: count, signed: signer !== undefined };
  if (options.json === true) context.json({ ...told, ok: true, exitCode: 0 });
  else {
    const { good, quiet } = context.out.paint;
    const signed = signer ? "signed" : "not signed; --key <file> signs it";
    context.out.print(`${good("✓")} ${record.runId}: ${count} lines in ${options.out} ${quiet(`· ${signed}`)}`);
  }
  return 0;
}

async function verify(
  file: string,
  { key, json }: AuditOptions,
  { place, out, json: document }: Context,
): Promise<ExitCode> {
  const keys = key === undefined ? [] : [readFileSync(place.resolve(key), "utf8")];
  const path = place.resolve(file);
  closeSync(openSync(path, "r"));
  const report = await verifyEvidence(linesIn(path), { keys });
  const exitCode = report.ok ? 0 : 1;
  if (json === true) document({ command: "audit", file, exitCode, ...report });
  else out.print(...reportLines(report, out.paint));
  return exitCode;
}

function reportLines(
  { ok, run, entries, head, completeness, fault, notes }: EvidenceReport,
  paint: Context["out"]["paint"],
) {
  if (!ok && fault) {
    const entry = fault.seq === undefined ? "" : `entry ${fault.seq} of ${printable(fault.stream ?? "")}`;
    const where = entry === "" ? `line ${fault.line}` : `${entry} (line ${fault.line})`;
    return [
      `${paint.bad("✗")} ${paint.strong(printable(run))} ${paint.bad(where)}: ${printable(fault.reason)}`,
      paint.quiet(`  ${entries} entries were read as they were written, before or behind it`),
    ];
  }
  const complete = completeness && `, ${completeness.present} of ${completeness.required} required entries are there`;
  return [
    `${paint.good("✓")} ${paint.strong(printable(run))} ${entries} entries hold${complete ?? ""}`,
    ...notes.map((note) => `  ${note}`),
    paint.quiet(`  journal hash ${head}`),
  ];
}

/** Writes line by line; what was begun and not finished is taken away. */
async function writeTo(file: string, lines: AsyncIterable<string>): Promise<number> {
  const handle = openSync(file, "wx", 0o600);
  let count = 0;
  try {
    for await (const line of lines) {
      writeSync(handle, line);
      count++;
    }
  } catch (thrown) {
    closeSync(handle);
    rmSync(file, { force: true });
    throw thrown;
  }
  closeSync(handle);
  return count;
}

/** Lines as the format has them: between line feeds alone, since text may hold every other break. */
async function* linesIn(file: string): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const chunk of createReadStream(file, "utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
