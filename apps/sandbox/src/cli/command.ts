import { type Command, CommanderError } from "commander";
import { projectAt } from "../config/project.ts";
import { SandboxError } from "../errors.ts";
import { screenOn } from "../face/screen.ts";
import { visible } from "../face/text.ts";
import type { WhoseRuns } from "./books.ts";
import { type Complaint, complaintLines, complaintOf } from "./complaint.ts";
import type { ExitCode } from "./context.ts";
import { interrupted } from "./interrupt.ts";
import { ownWords } from "./own-words.ts";
import { folderOf, placeOf } from "./place.ts";
import { program, unknownCommand } from "./program.ts";

const usage = 2;

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
  const place = (shared: { readonly state?: string; readonly config?: string }, home?: string) =>
    placeOf({ ...shared, home, env, cwd });
  let exitCode: ExitCode = 0;
  const remit = program({
    context: async (shared, usesState) => {
      const project = projectAt(folderOf({ env, cwd }), shared.config);
      // Who names a state folder needs no configuration to find it.
      const home = usesState && shared.state === undefined ? await project.state() : undefined;
      return { place: place(shared, home), project, out: screenOn(stdout), err: screenOn(stderr), json };
    },
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
    await remit.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (thrown) {
    // Help and version come as an "error" with code 0: they have been printed.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCode;
    const complaint = complaintAbout(thrown, remit, words);
    const code = complaint.code === "own/left-under-way" ? interrupted : usage;
    if (words.includes("--json")) json({ ok: false, exitCode: code, error: complaint });
    // What a hint names is in the folder that the person named; help is the same in each.
    const shared = complaint.code === "usage/wrong" ? {} : remit.opts<{ state?: string; config?: string }>();
    const whose = complaint.code === "usage/wrong" ? undefined : whoseRuns(remit, words);
    const again = (hint: string) => place(shared).command(whose ? ownWords(hint, whose) : hint);
    for (const line of complaintLines(complaint, again)) stderr.write(`${line}\n`);
    if (words.includes("--debug")) stderr.write(`${visible(stackOf(thrown))}\n`);
    return code;
  }
}

function all(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(all)];
}

/** Whose runs the words are about, where those are the person's own application's. */
function whoseRuns(remit: Command, words: readonly string[]): WhoseRuns | undefined {
  const [first] = namedIn(remit, words);
  const said = all(remit)
    .map((each) => each.opts<WhoseRuns>())
    .find(({ own, tenant }) => own === true || tenant !== undefined);
  return said ?? (first === "runs" ? { own: true } : undefined);
}

/** What is wrong; with the words of the command line, the hint is the help of the command that they name. */
function complaintAbout(thrown: unknown, remit: Command, words: readonly string[]): Complaint {
  const named = namedIn(remit, words);
  const own = thrown instanceof CommanderError ? misuse(thrown, remit, words) : commandMeant(thrown, remit, words);
  if (own.code !== "usage/wrong") return own;
  return { ...own, hint: `\`remit ${[...named, "--help"].join(" ")}\` shows what there is.` };
}

/** What commander found wrong with the words of the command line. */
function misuse({ code, message }: CommanderError, remit: Command, words: readonly string[]): Complaint {
  // A word that is none of a group's commands arrives at its default one, which takes fewer words or none.
  const stranger = code === "commander.excessArguments" ? strangerIn(remit, words) : undefined;
  if (stranger) {
    const { message: reason } = unknownCommand(stranger.group, stranger.name);
    return complaintOf(new SandboxError("usage/wrong", { reason }));
  }
  // Commander answers `help <nothing>` with help that is an error, and says no more.
  const reason =
    code === "commander.help"
      ? `there is no command "${words.findLast((word) => !word.startsWith("-")) ?? ""}"`
      : message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  return complaintOf(new SandboxError("usage/wrong", { reason }));
}

/** A group's default command takes a suite: a word that is neither that nor a command is told as both. */
function commandMeant(thrown: unknown, remit: Command, words: readonly string[]): Complaint {
  const complaint = complaintOf(thrown);
  const stranger = strangerIn(remit, words);
  const kinds: Readonly<Record<string, string>> = { "suite/unknown": "suite", "own/tenant-other": "tenant" };
  const kind = kinds[complaint.code];
  if (!stranger || kind === undefined || stranger.group === remit) return complaint;
  const { message } = unknownCommand(stranger.group, stranger.name);
  const reason = message.replace(";", `, and no ${kind} of that name;`);
  return complaintOf(new SandboxError("usage/wrong", { reason }));
}

/** The first word behind the names of a group of commands, where it is none of them. */
function strangerIn(remit: Command, words: readonly string[]): { group: Command; name: string } | undefined {
  const named = namedIn(remit, words);
  const group = named.reduce<Command>((at, name) => at.commands.find((one) => one.name() === name) ?? at, remit);
  const last = named.at(-1);
  const name = last === undefined ? undefined : words[words.indexOf(last) + 1];
  return group.commands.length === 0 || name === undefined || name.startsWith("-") ? undefined : { group, name };
}

/** The names of the command, and of its own, that the words begin with. */
function namedIn({ commands }: Command, words: readonly string[]): readonly string[] {
  for (const [index, word] of words.entries()) {
    const found = commands.find((command) => command.name() === word);
    if (found) return [word, ...namedIn(found, words.slice(index + 1))];
  }
  return [];
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
