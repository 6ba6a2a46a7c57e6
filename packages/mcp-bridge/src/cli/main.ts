#!/usr/bin/env node
/**
 * Where the `remit-mcp` command begins. These lines are all that an old Node has to understand: what lies behind imports
 * modules that one has not, and would be told by Node in words that say nothing of it.
 */
const { node } = process.versions;
if (Number(node.split(".")[0]) >= 24) await (await import("./start.ts")).start();
else {
  process.stderr.write(`remit-mcp: this is Node ${node}, and remit-mcp needs Node 24 or newer\n`);
  process.stderr.write(`  ${process.execPath} is what ran it; install a newer one, or put it first in PATH.\n`);
  process.exitCode = 2;
}
