import { type Command, CommanderError } from "commander";
import { SandboxError } from "../errors.ts";
import { screenOn } from "../face/screen.ts";
import { type Complaint, complaintLines, complaintOf } from "./complaint.ts";
import type { ExitCode } from "./context.ts";
import { placeOf } from "./place.ts";
import { program } from "./program.ts";

const usage = 2;
/** The first Node with a built-in SQLite that needs no flag and no warning. */
const nodeMajor = 24;
const oldNode = `remit needs Node ${nodeMajor} or newer, and this is ${process.version}`;

/** Where a command is called: what it prints goes to the streams, paths begin in the folder. */
export interface Surroundings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Does what the words say, as `remit` on the command line, and never rejects: whatever goes wrong is told on the streams.
 * @param words without the program's own name
 */
export async function command(words: readonly string[], { stdout, stderr, env, cwd }: Surroundings): Promise<ExitCode> {
  const json = (document: unknown) => stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  const place = (state?: string) => placeOf({ state, env, cwd });
  let exitCode: ExitCode = 0;
  const remit = program({
    context: ({ state }) => ({ place: place(state), out: screenOn(stdout), err: screenOn(stderr), json }),
    done: (code) => {
      exitCode = code;
    },
  });
  for (const each of all(remit)) {
    // Complaints are told below, in one form.
    each.exitOverride().configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => undefined,
      outputError: () => undefined,
    });
  }
  try {
    const [major = 0] = process.versions.node.split(".").map(Number);
    if (major < nodeMajor) throw new SandboxError("usage/wrong", { reason: oldNode });
    await remit.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (thrown) {
    // Help and version come as an "error" with code 0: they have been printed.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCode;
    const complaint = thrown instanceof CommanderError ? misuse(thrown, remit, words) : complaintOf(thrown);
    if (words.includes("--json")) json({ ok: false, exitCode: usage, error: complaint });
    for (const line of complaintLines(complaint, place().command)) stderr.write(`${line}\n`);
    if (words.includes("--debug")) stderr.write(`${stackOf(thrown)}\n`);
    return usage;
  }
}

function all(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(all)];
}

/** What commander found wrong with the words of the command line. */
function misuse({ message }: CommanderError, { commands }: Command, words: readonly string[]): Complaint {
  const named = words.find((word) => commands.some((command) => command.name() === word));
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
