import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, type Logger, systemClock, type ToolContext } from "@remit/core";
import { type StdioOptions, type StdioTransport, stdio } from "../transport.ts";

/** What the tests of this package share. */

/** One hostile server with the log of what it heard. */
export interface HostileFixture {
  readonly transport: StdioTransport;
  /** Everything it got and every start, oldest first. */
  readonly heard: () => readonly HeardEntry[];
  /** Process ids of its starts. */
  readonly starts: () => readonly number[];
  readonly remove: () => void;
}

export interface HeardEntry {
  readonly start?: number;
  readonly signal?: string;
  readonly inputEnded?: boolean;
  readonly method?: string;
  readonly id?: number;
  readonly params?: { readonly [key: string]: unknown };
}

/** Lets a server find what Node made of its modules the last time, as this process does; nothing where it does not. */
export function compileCache(): Readonly<Record<string, string>> {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}

export function hostileServer(mode: string, options: StdioOptions = {}): HostileFixture {
  const folder = mkdtempSync(join(tmpdir(), "remit-hostile-"));
  const log = join(folder, "heard.jsonl");
  const script = fileURLToPath(new URL("./hostile-server.ts", import.meta.url));
  const heard = () => {
    const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as HeardEntry);
  };
  return {
    transport: stdio(process.execPath, [script, mode, log], { ...options, env: { ...compileCache(), ...options.env } }),
    heard,
    starts: () => heard().flatMap(({ start }) => (start === undefined ? [] : [start])),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** True while there is such a process and it runs; one that only waits to be collected by its parent does not. */
export function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
  } catch {
    return false; // There is none.
  }
  const stat = `/proc/${processId}/stat`;
  return !existsSync(stat) || !/^\d+ \(.*\) Z/s.test(readFileSync(stat, "utf8"));
}

export interface LoggedLine {
  readonly level: string;
  readonly sentence: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it is told. */
export function keepingLogger(): Logger & { readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, sentence: string) => {
    lines.push({ level, sentence, fields });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** The machine's clock, which can be put forward. Timers do not notice; who asks for the time does. */
export function shiftedClock(): Clock & { readonly forward: (ms: number) => void } {
  const system = systemClock();
  let shiftMs = 0;
  return {
    now: () => system.now() + shiftMs,
    at: (dueAt, callback) => system.at(dueAt - shiftMs, callback),
    forward: (ms) => {
      shiftMs += ms;
    },
  };
}

export function contextOf(more: Partial<ToolContext> = {}): ToolContext {
  return {
    signal: new AbortController().signal,
    idempotencyKey: "",
    tenant: "acme",
    runId: "run_1",
    agent: "action",
    path: "action#1/tool#1",
    attempt: 1,
    attributes: {},
    ...more,
  };
}
