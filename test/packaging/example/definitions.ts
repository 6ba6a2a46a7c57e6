// A user's file: type-checked against the installed packages, never against the sources. It is not part of the
// workspace's own type check because it is about declarations, but it is true there too.
import { type AnyTool, defineAgent, defineHandoff, defineTool, OrchestrationError, type ToolName } from "@remit/core";
import { z } from "zod";

export const addNote = defineTool({
  name: "add_note",
  description: "Adds a note to a case.",
  input: z.object({ caseId: z.string(), text: z.string() }),
  output: z.object({ noteId: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  timeoutMs: 1_000,
  execute: async ({ caseId }) => ({ noteId: `${caseId}-note` }),
});

export const sorter = defineAgent({
  name: "sorter",
  description: "Names the case.",
  model: "fast",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ caseId: z.string() }),
  instructions: "Say which case this is about.",
});

export const writer = defineAgent({
  name: "writer",
  description: "Writes the note.",
  model: "fast",
  tools: [addNote],
  input: z.object({ caseId: z.string() }),
  output: z.object({ noteId: z.string() }),
  instructions: "Write one note.",
});

export const sorterToWriter = defineHandoff({ from: sorter, to: writer, map: ({ caseId }) => ({ caseId }) });

export const tools: readonly AnyTool[] = writer.tools;
export const name: ToolName<typeof writer> = "add_note";
// @ts-expect-error this agent has no such tool
export const otherName: ToolName<typeof writer> = "drop_note";
// @ts-expect-error the contract's payload lacks caseId
export const broken = defineHandoff({ from: sorter, to: writer, map: () => ({}) });
export const isOurs: boolean = OrchestrationError.is(new Error("no"));
