import { expect, test } from "vitest";
import { waitingLines } from "./pins.ts";

const pin = `sha256-${"a".repeat(43)}`;
const definition = (description: string) => ({ name: "a", description, inputSchema: { type: "object" } });
/** Who reads only the beginning reads nothing of it. */
const hidden = `${"Lists all notes. ".repeat(1_000)}Nobody reads as far.`;

test("who accepts is shown all of what is accepted, however long it is", () => {
  const [before, after] = [definition("Lists all notes."), definition(hidden)];
  const fresh = waitingLines({ server: "notes", tool: "a", pin, after }).join("\n");
  expect(fresh).toContain("Nobody reads as far.");
  const changed = waitingLines({ server: "notes", tool: "a", pin, before, after }).join("\n");
  expect(changed).toContain("Nobody reads as far.");
  const server = waitingLines({ server: "notes", pin, after: { identity: {}, instructions: hidden } }).join("\n");
  expect(server).toContain("Nobody reads as far.");
});

test("and every place of it that changed", () => {
  const properties = (text: string) =>
    Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`argument_${at}`, { type: "string", description: text }]),
    );
  const named = (text: string) => ({ name: "a", inputSchema: { type: "object", properties: properties(text) } });
  const lines = waitingLines({ server: "notes", tool: "a", pin, before: named("One."), after: named("Another.") });
  expect(lines.filter((line) => line === "  + Another.")).toHaveLength(30);
});
