import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { command } from "../../apps/sandbox/src/cli/command.ts";

/** Where the command begins. */
export const main: string = fileURLToPath(new URL("../../apps/sandbox/src/main.ts", import.meta.url));
/** As `npm start` does: it halves the time to load the sources. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/node", import.meta.url));

/** How a command ended and what it printed. */
export interface Ended {
  /** Exit code; of a process that a signal ended, null. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Remit {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output holds the text; rejects when the process ends before. */
  readonly printed: (text: string) => Promise<void>;
}

/** Starts the command from its source, in `cwd`, without anything that the tests' own runner put into the environment. */
export function startRemit(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Remit {
  const child = spawn(process.execPath, ["--conditions=@remit/source", main, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: compileCache, ...env },
  });
  let stdout = "";
  let stderr = "";
  const lookers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of lookers) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (stdout.includes(text)) resolve();
      };
      lookers.add(look);
      look();
      ended.then(() => reject(new Error(`it ended without "${text}":\n${stdout}\n${stderr}`)), reject);
    });
  return { child, ended, printed };
}

/** Runs the command to its end within this process: what it does is the same, and loading it anew costs a second. */
export async function remitHere(cwd: string, args: readonly string[]): Promise<Ended> {
  const [stdout, stderr] = [kept(), kept()];
  const { PATH, HOME } = process.env;
  const code = await command(args, { stdout, stderr, env: { PATH, HOME }, cwd });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function kept(): Writable & { readonly text: () => string } {
  const pieces: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (piece, _encoding, done) => {
      pieces.push(String(piece));
      done();
    },
  });
  return Object.assign(stream, { text: () => pieces.join("") });
}

/** Runs the command to its end in a process of its own. */
export function remit(cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  return startRemit(cwd, args, env).ended;
}

/**
 * An empty folder that is gone after the test.
 * @param finished of the test that it is for: where several run at once, nothing else says which of them that is
 */
export function folder(finished: typeof onTestFinished = onTestFinished): string {
  const path = mkdtempSync(join(tmpdir(), "remit-cli-"));
  finished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
