import { Command } from "commander";
import { clientInfo } from "../client-info.ts";
import type { Context, ExitCode } from "./context.ts";

/** The command line as a person sees it. What a command does is loaded when it is called. */
export function program(context: Context, done: (code: ExitCode) => void): Command {
  const remit = new Command("remit-mcp")
    .description("Looks at MCP servers, decides which of their tools are what was accepted, and stands before them.")
    .version(clientInfo.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  remit-mcp scan mcp.json                 every tool of every server, with a configuration to begin with
  remit-mcp scan -- npx -y some-server    the same for one command
  remit-mcp pins mcp.json                 what is accepted, and what waits
  remit-mcp accept mcp.json               shows what waits, and asks
  remit-mcp gateway mcp.json              all of it as one server, governed, on stdio or HTTP

Exit codes:
  0  all is well
  1  something waits for a person, or a server could not be looked at
  2  wrong usage or input
`,
    );

  remit
    .command("scan")
    .description("start servers, print their tools with pins and what stands out, and propose a configuration")
    .argument("<words...>", "a file with mcpServers, or, behind --, a command")
    .option("--json", "print the member `remit` of each server, and nothing else")
    .option("--ts", "propose TypeScript in place of JSON")
    .action(async (words: string[], options: { json?: boolean; ts?: boolean }) => {
      const { scan } = await import("./scan.ts");
      done(await scan(words, options, context));
    });

  remit
    .command("pins")
    .description("look at all servers, print what is accepted and what waits, with what changed")
    .argument("<file>", "a file with mcpServers")
    .option("--pins <file>", "the file of pins (default: the one that the file names, or mcp-pins.json beside it)")
    .option("--offline", "start no server; print what is written down")
    .action(async (file: string, options: { pins?: string; offline?: boolean }) => {
      const { pins } = await import("./pins.ts");
      done(await pins(file, options, context));
    });

  remit
    .command("accept")
    .description("accept what waits, as it was shown")
    .argument("<file>", "a file with mcpServers")
    .argument("[what...]", "server or server/tool; with =pin it was read before, and nothing is asked")
    .option("--pins <file>", "the file of pins (default: the one that the file names, or mcp-pins.json beside it)")
    .option("--offline", "start no server; decide on what is written down")
    .action(async (file: string, what: string[], options: { pins?: string; offline?: boolean }) => {
      const { accept } = await import("./accept.ts");
      done(await accept(file, what, options, context));
    });

  remit
    .command("gateway")
    .description(
      "stand between MCP clients and the servers of a file, with allowlists, pins, approvals, budgets and audit",
    )
    .argument("<file>", "a file with mcpServers; its member remit.gateway says who may come, and where")
    .option("--pins <file>", "the file of pins (default: the one that the file names, or mcp-pins.json beside it)")
    .option("--verbose", "tell more on standard error")
    .action(async (file: string, options: { pins?: string; verbose?: boolean }) => {
      const { gateway } = await import("./gateway.ts");
      const ending = new AbortController();
      const end = () => ending.abort();
      process.once("SIGINT", end).once("SIGTERM", end);
      done(await gateway(file, options, context, { signal: ending.signal }));
    });

  return remit;
}
