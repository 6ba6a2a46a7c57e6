import { enableCompileCache } from "node:module";
import { leaveWhenUnread } from "../face/screen.ts";
import { command } from "./command.ts";
import { complaintLines, complaintOf } from "./complaint.ts";

/** The `remit` command, where Node is new enough. The exit code is set and the process left to end by itself, so that nothing printed is lost. */

// What a command loads is compiled once for all times that it is called.
enableCompileCache();
const { stdout, stderr } = process;
leaveWhenUnread([stdout, stderr], {
  code: 2,
  tell: (error) => {
    for (const line of complaintLines(complaintOf(error), (words) => `remit ${words}`)) stderr.write(`${line}\n`);
  },
});
process.exitCode = await command(process.argv.slice(2), { stdout, stderr, env: process.env, cwd: process.cwd() });
