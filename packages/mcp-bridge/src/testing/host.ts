import { connectMcp } from "../connect.ts";
import type { StdioTransport } from "../transport.ts";
import { contextOf } from "./fixture.ts";

/**
 * A process with one connection, for tests that end the process: `host.ts <transport as JSON> <tool>`. Calls the tool
 * once, sends the process ids of the server and of what it started, and leaves by `process.exit` on the first message.
 */
const [transport = "", tool = ""] = process.argv.slice(2);
const connection = await connectMcp({
  name: "hosted",
  transport: JSON.parse(transport) as StdioTransport,
  tools: { [tool]: { effect: "read" } },
});
const answer = (await connection.tools[tool]?.execute({ text: "" }, contextOf())) as { processId?: number };
process.once("message", () => process.exit(0));
process.send?.([connection.status().processId, answer.processId].filter((id) => id !== undefined));
