import { type Issue, type Json, OrchestrationError } from "@remit/core";
import { type CheckedSchema, type JsonObject, ToolsError } from "@remit/tools";
import { partsOf } from "./content.ts";
import { McpError } from "./errors.ts";
import { visible } from "./text.ts";

/**
 * Whether what goes out and what comes back fits the schemas of a server, where that cannot be seen at once. Nothing is
 * waited for where it can.
 */
export interface Fitting {
  /**
   * Asked before a call is sent.
   * @throws OrchestrationError `tool/input-invalid`; its `mayHaveExecuted` is false
   * @throws McpError `mcp/tool-invalid` when its schemas cannot be used, or took too long at an earlier call
   */
  readonly before: (input: unknown) => Promise<void> | undefined;
  /** Asked before an answer is used. @throws McpError `mcp/result-invalid` */
  readonly after: (output: Json) => Promise<void> | undefined;
}

export interface FittingOptions {
  readonly server: string;
  readonly tool: string;
  /** Absent where the schema is ours. */
  readonly input: CheckedSchema<JsonObject> | undefined;
  readonly output: CheckedSchema<Json> | undefined;
}

export function fittingOf({ server, tool, input, output }: FittingOptions): Fitting {
  const schemas = [input, output].filter((schema) => schema !== undefined);
  const isSpent = (schema: CheckedSchema<Json>) => schema.spent();
  const onThread = schemas.filter(({ place }) => place === "thread");
  const unusable = (cause: ToolsError) =>
    new McpError("mcp/tool-invalid", { server, tool, reason: visible(cause.message) }, { cause });
  const spent = () =>
    new McpError("mcp/tool-invalid", {
      server,
      tool,
      reason: "checking by its schema took too long; it is out of use until the connection is made anew",
    });
  const usable = async <Value>(asked: Promise<Value>): Promise<Value> => {
    try {
      return await asked;
    } catch (thrown) {
      throw ToolsError.is(thrown) ? unusable(thrown) : thrown;
    }
  };
  const judged = async (verdict: Promise<readonly Issue[]>): Promise<void> => {
    const issues = await usable(verdict);
    if (issues.length > 0) throw inputInvalid(tool, issues);
  };
  const judgedWhenReady = async (value: unknown): Promise<void> => {
    for (const schema of onThread) await usable(schema.ready());
    const verdict = input?.check(value);
    if (verdict) await judged(verdict);
  };
  const judgedAfter = async (verdict: Promise<readonly Issue[]>): Promise<void> => {
    const invalid = (reason: string, cause?: unknown) =>
      new McpError("mcp/result-invalid", { server, tool, reason: visible(reason) }, { cause });
    let issues: readonly Issue[];
    try {
      issues = await verdict;
    } catch (thrown) {
      if (ToolsError.is(thrown)) throw invalid(thrown.message, thrown);
      throw thrown;
    }
    if (issues.length > 0) throw invalid(`it does not fit its schema: ${said(issues)}`);
  };
  return {
    before: (value) => {
      if (schemas.some(isSpent)) throw spent();
      if (onThread.length > 0) return judgedWhenReady(value);
      const verdict = input?.check(value);
      return verdict && judged(verdict);
    },
    after: (answer) => {
      if (!output) return undefined;
      const { value } = partsOf(answer);
      const verdict = value === undefined ? undefined : output.check(value);
      return verdict && judgedAfter(verdict);
    },
  };
}

function inputInvalid(tool: string, issues: readonly Issue[]): OrchestrationError {
  const error = new OrchestrationError("tool/input-invalid", { tool, issues: issues as unknown as Json });
  // It was found out before anything was sent.
  return Object.assign(error, { mayHaveExecuted: false });
}

function said(issues: readonly Issue[]): string {
  return issues
    .map(({ pointer, message }) => `${pointer} ${message}`.trim())
    .join("; ")
    .slice(0, 2_000);
}
