// A user's file: type-checked against the installed packages, never against the sources. It is not part of the
// workspace's own type check because it is about declarations, but it is true there too.
import {
  type AnyTool,
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineTool,
  type Engine,
  type Model,
  OrchestrationError,
  type ToolName,
} from "@remit/core";
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

export const desk = (engine: Engine, fast: Model) =>
  createSupervisor({
    agents: { sorter, writer },
    entry: "sorter",
    exit: "writer",
    handoffs: [sorterToWriter],
    models: { fast },
    engine,
  });

export async function use(engine: Engine, fast: Model): Promise<string> {
  const run = await desk(engine, fast).start({ text: "a note, please" }, { tenant: "acme" });
  const result = await run.result();
  // @ts-expect-error an output exists only on a completed run
  void result.output;
  return result.status === "completed" ? result.output.noteId : result.status;
}

export const unmodelled = (engine: Engine) =>
  createSupervisor({
    agents: { sorter, writer },
    entry: "sorter",
    exit: "writer",
    handoffs: [sorterToWriter],
    // @ts-expect-error the alias "fast" has no model
    models: {},
    engine,
  });

export const stray = (engine: Engine, fast: Model) =>
  createSupervisor({
    agents: { sorter },
    entry: "sorter",
    exit: "sorter",
    // @ts-expect-error the handoff leads to an agent that the supervisor does not have
    handoffs: [sorterToWriter],
    models: { fast },
    engine,
  });
