#!/usr/bin/env node
import { CommanderError } from "commander";
import { complaintLines, complaintOf } from "./cli/complaint.ts";
import type { Context } from "./cli/context.ts";
import { placeOf } from "./cli/place.ts";
import { program } from "./cli/program.ts";
import { screenOn } from "./face/screen.ts";

/** The `remit` command. The exit code is set and the process left to end by itself, so that nothing printed is lost. */
const usage = 2;
const wantsJson = process.argv.includes("--json");
const json = (document: unknown) => process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

try {
  const remit = program({
    context: ({ state }): Context => ({
      place: placeOf({ state, env: process.env, cwd: process.cwd() }),
      out: screenOn(process.stdout),
      err: screenOn(process.stderr),
      json,
    }),
    done: (code) => {
      process.exitCode = code;
    },
  });
  for (const command of [remit, ...remit.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
  }
  await remit.parseAsync();
} catch (thrown) {
  fail(thrown);
}

function fail(thrown: unknown): void {
  // Help and version come as an "error" with code 0: they have been printed.
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
  process.exitCode = usage;
  const complaint =
    thrown instanceof CommanderError
      ? {
          code: "usage/wrong",
          message: thrown.message.replace(/^error: /, "").replace(/\n/g, " "),
          hint: "`remit --help` shows what there is.",
          issues: [],
          unforeseen: false,
        }
      : complaintOf(thrown);
  if (wantsJson) json({ ok: false, exitCode: usage, error: complaint });
  for (const line of complaintLines(complaint)) process.stderr.write(`${line}\n`);
  if (process.argv.includes("--debug")) process.stderr.write(`${stackOf(thrown)}\n`);
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
