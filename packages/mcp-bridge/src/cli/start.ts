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

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
