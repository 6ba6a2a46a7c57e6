import { pinOf } from "../definition.ts";
import { pinFile } from "../pin-file.ts";
import { accept, sighted } from "../pin-store.ts";

/** A process that accepts tools, for tests of several at once: `pin-writer.ts <file> <server> <how many>`. */
const [file = "", server = "", count = "0"] = process.argv.slice(2);
const pins = pinFile(file, { timeoutMs: 60_000 });
const identity = { kind: "http", origin: "https://shop.example" } as const;
for (let index = 0; index < Number(count); index++) {
  const definition = { name: `tool_${index}`, inputSchema: { type: "object" } };
  const sight = { server, facts: { identity, instructions: null }, tools: [definition] };
  await pins.change((document) => sighted(document, sight, "2026-01-01T00:00:00.000Z"));
  const said = { server, tool: definition.name, pin: pinOf(definition), by: server, at: "2026-01-02T00:00:00.000Z" };
  await pins.change((document) => accept(document, said));
}
