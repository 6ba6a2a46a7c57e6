import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Clock, Logger } from "@remit/core";
import { createMask } from "../text.ts";
import type { StdioTransport } from "../transport.ts";
import type { Channel, ChannelEnd, OpenChannel } from "./channel.ts";
import { guardGroup } from "./guard.ts";
import { lineWriter, readLines } from "./lines.ts";
import { emptied, type ProcessGroup, processGroup } from "./process-group.ts";
import { drainStderr } from "./stderr.ts";

/**
 * A server as a child process in a process group of its own.
 *
 * P1 Its standard error is always read, so it never stands still because of us.
 * P2 When the channel has closed, no process of the group is left: also none that the server started and forgot.
 * P3 When we end in order, the group is killed with us. When we are killed, its guard ends it (not on Windows).
 */
export interface StdioChannelOptions {
  readonly server: string;
  readonly transport: StdioTransport;
  readonly messageBytes: number;
  readonly closeGraceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How much longer than the process its last words may be on their way. */
const drainMs = 250;
const killMs = 500;
const stderrBytes = 2_000;

export function stdioChannel(options: StdioChannelOptions): OpenChannel {
  return (listener) => {
    const { server, transport, clock, logger } = options;
    const mask = createMask(transport.env);
    let child: Child;
    try {
      child = start(transport);
    } catch (thrown) {
      const reason = mask(thrown instanceof Error ? thrown.message : String(thrown));
      queueMicrotask(() => listener.end({ cause: "spawn-failed", reason }));
      return { processId: undefined, post: () => {}, send: () => Promise.resolve(), close: () => Promise.resolve() };
    }
    const { stdin, stdout, stderr } = child;
    const group = child.pid === undefined ? undefined : processGroup(child.pid);
    const tail = drainStderr(stderr, { server, logger, clock, mask });
    const unhook = group ? killAtExit(group) : () => {};
    const release =
      child.pid === undefined
        ? () => {}
        : guardGroup(child.pid, (reason) => logger.debug({ server, reason }, "MCP server is started without a guard."));

    let ended = false;
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= terminate(child, group, options.closeGraceMs, clock).finally(() => {
        unhook();
        release();
      });
      return closing;
    };
    const end = (cause: ChannelEnd["cause"], reason: string) => {
      if (ended) return;
      ended = true;
      lines.stop();
      stdout.resume(); // Whatever is still written must not hold the process up.
      listener.end({
        cause,
        reason: mask(reason),
        ...(child.exitCode === null ? {} : { exitCode: child.exitCode }),
        ...(child.signalCode === null ? {} : { signal: child.signalCode }),
        stderr: tail.last(stderrBytes),
      });
      void close();
    };
    /** A little later, so that the last answer, the last words and the exit code of a process are heard first. */
    const endSoon = (cause: ChannelEnd["cause"], reason: string) => {
      clock.at(clock.now() + drainMs, () => end(cause, reason));
    };
    const lines = readLines(stdout, options.messageBytes, {
      message: listener.message,
      noise: listener.noise,
      overflow: (bytes) => end("overflow", `a message of ${bytes} bytes or more exceeds ${options.messageBytes}`),
    });

    child.on("error", (error) => {
      if (child.pid === undefined) end("spawn-failed", spawnReason(error, transport));
      else logger.warn({ server, reason: error.message }, "A signal could not be sent to the MCP server.");
    });
    child.once("exit", () => endSoon("exited", "the process ended")); // Where a grandchild holds the pipes open.
    child.once("close", () => end("exited", "the process ended"));
    stdin.on("error", (error) => endSoon("lost", `its input broke: ${error.message}`));
    stdout.on("error", (error) => endSoon("lost", `its output broke: ${error.message}`));
    stdout.once("end", () => endSoon("lost", "its output ended"));
    const channel: Channel = {
      processId: child.pid,
      ...lineWriter(stdin),
      close: () => {
        end("closed", "the connection was closed");
        return close();
      },
    };
    return channel;
  };
}

type Child = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

function start({ command, args, env, cwd }: StdioTransport): Child {
  const inherited = ["PATH", "HOME"].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  return spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    shell: false,
    detached: process.platform !== "win32",
    windowsHide: true,
  });
}

/** Node blames the command also when it is the folder that does not exist. */
function spawnReason(error: Error, { cwd }: StdioTransport): string {
  return cwd !== undefined && !existsSync(cwd) ? `the folder ${cwd} does not exist` : error.message;
}

/** Ends its input, then asks, then forces; the whole group each time. Resolves when nothing is left to wait for. */
async function terminate(child: Child, group: ProcessGroup | undefined, graceMs: number, clock: Clock): Promise<void> {
  child.stdin.end();
  if (!group) return;
  const awake = setInterval(() => {}, 2 ** 30); // The clock's timers would let us end before the group has.
  try {
    if (await emptied(group, graceMs, clock)) return;
    group.signal("SIGTERM");
    if (await emptied(group, graceMs, clock)) return;
    group.signal("SIGKILL");
    await emptied(group, killMs, clock);
  } finally {
    clearInterval(awake);
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** Kills the group when our process ends in order. Undo it when the group is gone, before its id can be given anew. */
function killAtExit(group: ProcessGroup): () => void {
  const kill = () => {
    group.signal("SIGKILL");
  };
  // One listener for each server is no leak: the warning that more than ten may be one is moved along.
  const allow = (more: number) => {
    const most = process.getMaxListeners();
    if (most > 0) process.setMaxListeners(most + more);
  };
  allow(1);
  process.once("exit", kill);
  return () => {
    process.off("exit", kill);
    allow(-1);
  };
}
