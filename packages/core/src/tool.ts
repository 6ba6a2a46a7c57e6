import type { z } from "zod";
import type { Effect } from "./effect/effect.ts";
import { defaultRetry, type RetryPolicy } from "./effect/tries.ts";
import type { ToolAnswer, ToolQuestion } from "./elicit/question.ts";
import { OrchestrationError } from "./errors.ts";
import type { Json, JsonSchema } from "./json.ts";
import { protectFault } from "./label/protect.ts";
import { assertBound } from "./limits.ts";
import { aSchema, assertSynchronous, jsonSchemaOf } from "./schema.ts";
import { assertKnown, assertOptions, type Known, made } from "./wanted.ts";

export type Risk = "low" | "medium" | "high";

/**
 * How an unknown outcome of a write is settled (D7): `key`: the tool does a write once per idempotency key;
 * `lookup`: it can be asked whether a write happened; `none`: neither, so a person decides.
 */
export type Idempotency = "key" | "lookup" | "none";

/** What a tool gets beside its input. */
export interface ToolContext {
  /** Aborts on timeout and cancel. */
  readonly signal: AbortSignal;
  /** Same key, same intent; on every attempt. Empty on reads. */
  readonly idempotencyKey: string;
  readonly tenant: string;
  readonly runId: string;
  readonly agent: string;
  /** Path of this call in the run, `action#1/tool#2`. */
  readonly path: string;
  /** 1 for the first try, counting up over crashes and retries. */
  readonly attempt: number;
  /** Text the caller attached to the run for its tools, such as the id of a simulated world. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Id of who started the run, or of the client that a served tool is called by; absent in a look-up. */
  readonly principal?: string;
  readonly conversationId?: string;
  /** Labels of everything that the agent has read; absent like `principal`, and where a team reads nothing foreign. */
  readonly labels?: readonly string[];
  /**
   * Asks a person, and waits for their answer: `decline` is a no, `cancel` nobody's word in time. The question and the
   * answer are entries of the run; the tool's `timeoutMs` stands still meanwhile. Another try of the call that asks the
   * same in the same place gets the answer that was given. Absent in a look-up.
   * Rejects with OrchestrationError `tool/question-invalid`, `tool/questions-exceeded` (more than `limits.questions` in
   *   this try), `tool/question-withdrawn` (the run or the tool was taken away), `tool/cancelled`
   */
  readonly elicit?: (question: ToolQuestion) => Promise<ToolAnswer>;
}

/** What a look-up found out about one earlier write. */
export type LookupAnswer<Output> =
  | { readonly outcome: "found"; readonly output: Output }
  | { readonly outcome: "never" }
  | { readonly outcome: "unknown" };

/** The tool answered that it would not or could not, for a reason of its own domain. The message goes to the agent. */
export class ToolRefusal extends Error {
  override readonly name = "ToolRefusal";
}

/** A typed function that a model may ask for. Made by {@link defineTool}; plain data. */
export interface Tool<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Kind extends Effect = Effect,
> {
  readonly kind: "tool";
  readonly name: Name;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  /** JSON Schema of the input, as models see it. */
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  readonly effect: Kind;
  readonly risk: Risk;
  readonly reversible: boolean;
  readonly idempotency: Idempotency;
  /** Milliseconds a key stays good at the tool's side; absent: for ever. */
  readonly keyValidForMs: number | undefined;
  readonly timeoutMs: number;
  /** Argument names that untrusted data may not fill (R9). */
  readonly protect: readonly string[];
  /** Origin labels that the tool's answers carry. */
  readonly labels: readonly string[];
  /** Retrieval source that it reads. */
  readonly source?: string;
  /** It reads or writes this memory; made by `defineMemory`. What it gives carries labels of its own. */
  readonly memory?: { readonly name: string; readonly access: "read" | "write" };
  /** Parts of its answers that are trusted though its labels are foreign: JSON pointers, `*` for any member or index. */
  readonly trusts: readonly string[];
  /** Sensitive labels of the data that may go into it, where it is a sink; nothing: it is none. */
  readonly cleared: readonly string[] | undefined;
  /** Classes of data that it gets in the clear; tokens stand for all others. `*`: all. */
  readonly reveals: readonly string[];
  readonly version: string;
  /** How a failed call is tried again; the gate's own defaults where it is absent. */
  readonly retry: RetryPolicy | undefined;
  /** What the breaker before this tool is shared with, such as the name of its server; the tool's own name when absent. */
  readonly breaker: string;
  /** Milliseconds after which a write that has not shown itself never will (D7); a look-up's `never` counts only then. */
  readonly settlesWithinMs: number | undefined;
  /** How a write that was done can be undone. */
  readonly undo: ToolUndo | undefined;
  readonly execute: (input: z.output<Input>, context: ToolContext) => unknown;
  readonly lookup: ((input: z.output<Input>, context: ToolContext) => unknown) | undefined;
}

/** A tool that undoes what another one did, and its arguments. Pure: it is asked again by a replay. */
export interface ToolUndo {
  readonly tool: AnyTool;
  // biome-ignore lint/suspicious/noExplicitAny: the maker of the tool has checked it against both schemas.
  readonly input: (input: any, output: any) => unknown;
}

/** Any tool at all; holds the variance of `execute` open. */
// biome-ignore lint/suspicious/noExplicitAny: a union of tools must accept every input type.
export type AnyTool = Tool<string, any, any, Effect>;
// biome-ignore lint/suspicious/noExplicitAny: as above.
export type AnyReadTool = Tool<string, any, any, "read">;

interface CommonToolOptions<Name extends string, Input extends z.ZodType, Output extends z.ZodType> {
  readonly name: Name;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  /** Milliseconds for one attempt; 30,000 when absent. */
  readonly timeoutMs?: number;
  readonly protect?: readonly (keyof z.input<Input> & string)[];
  readonly labels?: readonly string[];
  /**
   * Parts of the answers that the tool's own system assigns, such as ids: trusted though the labels are foreign. JSON
   * pointers, `*` for any member or index: every `id` of a list is `/*` followed by `/id`.
   */
  readonly trusts?: readonly string[];
  /**
   * Makes the tool a sink: what is of a sensitive class that is not in this list does not go in. `["sensitive"]` stands for
   * all classes, `[]` for none. Absent: the tool stays inside, and everything may go in.
   */
  readonly cleared?: readonly string[];
  /** Classes of data that it gets in the clear (`["email"]`), where values are sealed; none when absent, `*`: all. */
  readonly reveals?: readonly string[];
  readonly retry?: Partial<RetryPolicy>;
  /** Shares a breaker with other tools: whatever they stand or fall with, such as a server. */
  readonly breaker?: string;
  /** Raise it when `execute` changes its behaviour (D4). */
  readonly version?: string;
  /** The schema that models see, where it is known already (an MCP server's own document). */
  readonly inputSchema?: JsonSchema;
  readonly outputSchema?: JsonSchema;
}

/** What every tool says, a read as well as a write. */
interface DefinedTool<Name extends string, Input extends z.ZodType, Output extends z.ZodType, Kind extends Effect>
  extends CommonToolOptions<Name, Input, Output> {
  readonly effect: Kind;
  readonly execute: (input: z.output<Input>, context: ToolContext) => z.input<Output> | Promise<z.input<Output>>;
}

interface OfRead {
  readonly risk?: Risk;
  /** Name of the retrieval source that it reads, such as a handbook: grants and policies can speak of it. */
  readonly source?: string;
}

interface OfWrite<Input extends z.ZodType, Output extends z.ZodType> {
  readonly risk: Risk;
  readonly idempotency: Idempotency;
  readonly reversible?: boolean;
  readonly keyValidForMs?: number;
  readonly settlesWithinMs?: number;
  /** Names the tool that undoes this one, with the arguments made of what was asked and answered. */
  readonly undo?: {
    readonly tool: AnyTool;
    readonly input: (input: z.output<Input>, output: z.output<Output>) => Json;
  };
  /** Required with idempotency `lookup`: finds out whether the write under this key happened. */
  readonly lookup?: (
    input: z.output<Input>,
    context: ToolContext,
  ) => LookupAnswer<z.input<Output>> | Promise<LookupAnswer<z.input<Output>>>;
}

/** What only the one kind of tool has, or must have. */
interface Of<Input extends z.ZodType, Output extends z.ZodType> {
  readonly read: OfRead;
  readonly write: OfWrite<Input, Output>;
}

export interface ReadToolOptions<Name extends string, Input extends z.ZodType, Output extends z.ZodType>
  extends DefinedTool<Name, Input, Output, "read">,
    OfRead {}

export interface WriteToolOptions<Name extends string, Input extends z.ZodType, Output extends z.ZodType>
  extends DefinedTool<Name, Input, Output, "write">,
    OfWrite<Input, Output> {}

type Options = ReadToolOptions<string, z.ZodType, z.ZodType> | WriteToolOptions<string, z.ZodType, z.ZodType>;

const toolName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Defines a tool. On a write, `risk` and `idempotency` are required by type.
 * @throws OrchestrationError `tool/name-invalid`, `tool/incomplete`, `options/invalid`, `tool/schema-not-representable`, `tool/schema-asynchronous`,
 *   `tool/lookup-missing`, `tool/protect-invalid`, `tool/undo-not-a-write`, `limits/not-a-bound` for a timeout that is none
 */
export function defineTool<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  // One signature, and no overloads: a compiler that tells of the last one would speak of a write to who defines a read.
  const Kind extends Effect,
>(
  definition: DefinedTool<Name, Input, Output, Kind> & Of<Input, Output>[NoInfer<Kind>],
): Tool<Name, Input, Output, Kind>;
export function defineTool(options: Options): Tool {
  assertOptions("defineTool", options);
  const { name } = options;
  if (typeof name !== "string" || !toolName.test(name))
    throw new OrchestrationError("tool/name-invalid", { tool: name });
  assertComplete(options);
  assertKnown(`the tool ${name}`, options, known);
  assertOptions(`the tool ${name}`, options, { input: aSchema, output: aSchema });
  for (const side of ["input", "output"] as const) {
    // One whose JSON Schema is known already is made by who knows it; looking into it would make what is put off.
    if (options[`${side}Schema`] === undefined) assertSynchronous(options[side], side, name);
  }
  const write = options.effect === "write" ? options : undefined;
  if (write?.idempotency === "lookup" && !write.lookup)
    throw new OrchestrationError("tool/lookup-missing", { tool: name });
  const timeoutMs = options.timeoutMs ?? 30_000;
  assertBound(`timeoutMs of ${name}`, timeoutMs);
  for (const member of ["keyValidForMs", "settlesWithinMs"] as const) {
    if (write?.[member] !== undefined) assertBound(`${member} of ${name}`, write[member]);
  }
  if (write?.undo !== undefined) {
    assertOptions(`the undo of ${name}`, write.undo, { tool: madeTool });
    assertOptions(`the undo of ${name}`, write.undo, {
      input: { wants: "a function", is: (value) => typeof value === "function" },
    });
  }
  if (write?.undo && write.undo.tool.effect !== "write") {
    throw new OrchestrationError("tool/undo-not-a-write", { tool: name, undo: write.undo.tool.name });
  }
  const inputSchema = options.inputSchema ?? jsonSchemaOf(options.input, "input", name);
  const fault = protectFault({ input: options.input, inputSchema }, options.protect ?? []);
  if (fault) throw new OrchestrationError("tool/protect-invalid", { tool: name, ...fault });
  return {
    kind: "tool",
    name,
    description: options.description,
    input: options.input,
    output: options.output,
    inputSchema,
    outputSchema: options.outputSchema ?? jsonSchemaOf(options.output, "output", name),
    effect: options.effect,
    risk: options.risk ?? "low",
    reversible: write?.reversible ?? false,
    idempotency: write?.idempotency ?? "none",
    keyValidForMs: write?.keyValidForMs,
    timeoutMs,
    protect: options.protect ?? [],
    labels: options.labels ?? [],
    trusts: options.trusts ?? [],
    ...(options.effect === "read" && options.source !== undefined ? { source: options.source } : {}),
    cleared: options.cleared,
    reveals: options.reveals ?? [],
    retry: retryOf(name, options.retry),
    breaker: options.breaker ?? name,
    settlesWithinMs: write?.settlesWithinMs,
    undo: write?.undo,
    version: options.version ?? "0",
    execute: options.execute as Tool["execute"],
    lookup: write?.lookup as Tool["lookup"],
  };
}

const madeTool = made("a tool, as `defineTool` makes it", "tool");

/** Of a tool that was made already as well: who copies one writes `{ ...tool, execute }`. */
const known: Known<Tool & Options> & Known<OfWrite<z.ZodType, z.ZodType>> = {
  ...{ kind: true, name: true, description: true, input: true, output: true, inputSchema: true, outputSchema: true },
  ...{
    effect: true,
    risk: true,
    reversible: true,
    idempotency: true,
    keyValidForMs: true,
    timeoutMs: true,
    protect: true,
  },
  ...{
    labels: true,
    source: true,
    memory: true,
    trusts: true,
    cleared: true,
    reveals: true,
    version: true,
    retry: true,
  },
  ...{ breaker: true, settlesWithinMs: true, undo: true, execute: true, lookup: true },
};

/** Where no types reach (JavaScript, `any`), what is left out must not pass for a read, or for a write that waits for nobody. */
function assertComplete(options: Options): void {
  const incomplete = (member: string, wants: readonly string[]) => {
    const given = (options as unknown as Readonly<Record<string, unknown>>)[member];
    if (typeof given === "string" && wants.includes(given)) return;
    const value = typeof given === "string" ? given : typeof given;
    throw new OrchestrationError("tool/incomplete", { tool: options.name, member, value, wants });
  };
  incomplete("effect", ["read", "write"]);
  if (options.effect === "write" || options.risk !== undefined) incomplete("risk", ["low", "medium", "high"]);
  if (options.effect === "write") incomplete("idempotency", ["key", "lookup", "none"]);
  for (const [member, type, wants] of [
    ["execute", "function", "a function"],
    ["description", "string", "a text"],
  ] as const) {
    if (typeof options[member] === type) continue;
    const data = { tool: options.name, member, value: typeof options[member], wants: [wants] };
    throw new OrchestrationError("tool/incomplete", data);
  }
}

function retryOf(tool: string, given: Partial<RetryPolicy> | undefined): RetryPolicy | undefined {
  if (given === undefined) return undefined;
  const retry = { ...defaultRetry.tool, ...given };
  for (const [member, value] of Object.entries(retry)) assertBound(`retry.${member} of ${tool}`, value);
  return retry;
}

/** The names in an agent's allowlist, as a union. */
export type ToolName<Owner extends { readonly tools: readonly { readonly name: string }[] }> =
  Owner["tools"][number]["name"];

/** What a tool takes, before its schema has read it. */
export type ToolInput<Of extends AnyTool> = z.input<Of["input"]>;
export type ToolOutput<Of extends AnyTool> = z.output<Of["output"]>;

export type { Json };
