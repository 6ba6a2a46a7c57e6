// A user's program, run with the installed packages. It must print the last line and nothing else.
import assert from "node:assert/strict";
import { defineTool, OrchestrationError } from "@remit/core";
import { z } from "zod";

const text = { description: "Echoes.", input: z.object({ text: z.string() }), output: z.string(), effect: "read" };
const echo = defineTool({ name: "echo_text", ...text, execute: async (input) => input.text });
assert.equal(await echo.execute({ text: "hello" }, { signal: new AbortController().signal }), "hello");
assert.throws(
  () => defineTool({ name: "no spaces please", ...text, execute: async () => "" }),
  (error) => OrchestrationError.is(error, "tool/name-invalid"),
);
console.log("the example ran");
