import { createInterface } from "node:readline/promises";
import { osPrincipal, systemClock } from "@remit/core";
import { CommanderError } from "commander";
import { McpError } from "../errors.ts";
import { visible } from "../text.ts";
import type { Context } from "./context.ts";
import { program } from "./program.ts";

/** The `remit-mcp` command. The exit code is set and the process left to end by itself, so that nothing is lost. */
export async function start(): Promise<void> {
  const context: Context = {
    print: (line) => process.stdout.write(`${line}\n`),
    warn: (line) => process.stderr.write(`${line}\n`),
    env: process.env,
    clock: systemClock(),
    principal: () => osPrincipal().current(),
    ...(process.stdin.isTTY && process.stdout.isTTY ? { ask } : {}),
  };

  // What a gateway writes is its protocol, which looks after its own end.
  if (process.argv[2] !== "gateway") for (const stream of [process.stdout, process.stderr]) leaveWhenUnread(stream);
  try {
    await program(context, (code) => {
      process.exitCode = code;
    }).parseAsync();
  } catch (thrown) {
    // Commander has printed what it throws, help and version among it.
    process.exitCode = thrown instanceof CommanderError && thrown.exitCode === 0 ? 0 : 2;
    if (!(thrown instanceof CommanderError)) {
      const hint = McpError.is(thrown) ? thrown.hint : undefined;
      context.warn(`remit-mcp: ${visible(thrown instanceof Error ? thrown.message : String(thrown))}`);
      if (hint !== undefined) context.warn(`  ${hint}`);
    }
  }
}

/** Ends the process when nobody reads on, quietly, as a closed pipe would; with 2 when it cannot be written for another reason. */
function leaveWhenUnread(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141);
    if (stream !== process.stderr) process.stderr.write(`remit-mcp: the output cannot be written: ${error.message}\n`);
    process.exit(2);
  });
}

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
