#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { type Command, CommanderError } from "commander";
import { type Complaint, complaintLines, complaintOf } from "./cli/complaint.ts";
import { placeOf } from "./cli/place.ts";
import { program } from "./cli/program.ts";
import { SandboxError } from "./errors.ts";
import { leaveWhenUnread, screenOn } from "./face/screen.ts";

/** The `remit` command. The exit code is set and the process left to end by itself, so that nothing printed is lost. */
const usage = 2;
/** The first Node with a built-in SQLite that needs no flag and no warning. */
const nodeMajor = 24;
const oldNode = `remit needs Node ${nodeMajor} or newer, and this is ${process.version}`;
const json = (document: unknown) => process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
const place = (state?: string) => placeOf({ state, env: process.env, cwd: process.cwd() });

// What a command loads is compiled once for all times that it is called.
enableCompileCache();
leaveWhenUnread(process.stdout, process.stderr);
const remit = program({
  context: ({ state }) => ({ place: place(state), out: screenOn(process.stdout), err: screenOn(process.stderr), json }),
  done: (code) => {
    process.exitCode = code;
  },
});
const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
for (const command of all(remit)) {
  // Complaints are told below, in one form.
  command.exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
}

try {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major < nodeMajor) throw new SandboxError("usage/wrong", { reason: oldNode });
  await remit.parseAsync();
} catch (thrown) {
  // Help and version come as an "error" with code 0: they have been printed.
  if (!(thrown instanceof CommanderError && thrown.exitCode === 0)) fail(thrown);
}

function fail(thrown: unknown): void {
  process.exitCode = usage;
  const complaint = thrown instanceof CommanderError ? misuse(thrown, remit) : complaintOf(thrown);
  if (process.argv.includes("--json")) json({ ok: false, exitCode: usage, error: complaint });
  for (const line of complaintLines(complaint, place().command)) process.stderr.write(`${line}\n`);
  if (process.argv.includes("--debug")) process.stderr.write(`${stackOf(thrown)}\n`);
}

/** What commander found wrong with the words of the command line. */
function misuse({ message }: CommanderError, { commands }: Command): Complaint {
  const named = process.argv.slice(2).find((word) => commands.some((command) => command.name() === word));
  return {
    code: "usage/wrong",
    message: message.replace(/^error: /, "").replace(/\s*\n\s*/g, " "),
    hint: `\`remit ${named === undefined ? "" : `${named} `}--help\` shows what there is.`,
    issues: [],
    unforeseen: false,
  };
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
