import { z } from "zod";
import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import { once } from "../once.ts";
import { issuesOf } from "../schema.ts";
import type { AnyTool } from "../tool.ts";

/**
 * What a team makes of data that somebody else may have written, as plain data: it can stand in code or in a policy file.
 * Whatever it does not say is the strict way: a person is asked.
 */

const reason = () => z.string().min(1).max(500);
const name = () => z.string().min(1).max(128);

const acceptRule = once(() =>
  z
    .strictObject({
      tool: name(),
      /** Name of a protected argument. */
      argument: name(),
      type: z.enum(["number", "integer", "boolean", "date", "string"]),
      /** Only in a call that a plan from before has announced. */
      planned: z.boolean().optional(),
      /** Only as an answer of these tools says it, whole and verbatim. */
      from: z.array(name()).min(1).max(32).optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      /** Regular expression that the whole text has to match; texts of up to 256 characters. */
      pattern: z.string().max(256).optional(),
      because: reason(),
    })
    .refine(({ type, pattern, from }) => type !== "string" || pattern !== undefined || from !== undefined, {
      message: "a text is accepted by `pattern`, by `from`, or not at all",
      path: ["type"],
    })
    .refine(({ pattern }) => pattern === undefined || isPattern(pattern), {
      message: "no regular expression",
      path: ["pattern"],
    }),
);

/** The document behind `flows`, as a schema: for policy files. Its members are getters, read when it is first used. */
export const flowRules = z.strictObject({
  /** What becomes of a foreign value in a protected argument: a person is asked (default), or the call is refused. */
  get untrusted() {
    return z.enum(["approve", "deny"]).optional();
  },
  /** The same for a write that an agent wants after it has read foreign text, and that no plan from before announced. */
  get control() {
    return z.enum(["approve", "deny"]).optional();
  },
  /** The same for a value that may be of a class that a sink is not cleared for; refused by default. */
  get egress() {
    return z.enum(["approve", "deny"]).optional();
  },
  /** Writes that need no plan. Their protected arguments are judged all the same. */
  get exempt() {
    return z
      .array(z.strictObject({ tool: name(), because: reason() }))
      .max(256)
      .optional();
  },
  /** Values of the operator's own by domain, such as known contacts: trusted wherever that domain is asked for. */
  get values() {
    return z.record(name(), z.array(z.union([z.string().max(1024), z.number()])).max(10_000)).optional();
  },
  /** Foreign values that are taken all the same: typed, bounded, and only where the rule says. */
  get accept() {
    return z.array(acceptRule()).max(256).optional();
  },
});
export type FlowRules = z.output<typeof flowRules>;
export type AcceptRule = z.output<ReturnType<typeof acceptRule>>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, "u") instanceof RegExp;
  } catch {
    return false; // The refinement says so.
  }
}

/**
 * Reads the rules of a supervisor.
 * @throws OrchestrationError `supervisor/flows-invalid` for a document of another form, a tool that nobody in the team has,
 *   or an argument that its tool does not have
 */
export function readFlows(
  given: FlowRules | undefined,
  tools: ReadonlyMap<string, AnyTool>,
  agents: ReadonlyMap<string, unknown>,
  supervisor: string,
): FlowRules | undefined {
  if (given === undefined) return undefined;
  const parsed = flowRules.safeParse(given);
  const fail = (issues: Json) => new OrchestrationError("supervisor/flows-invalid", { supervisor, issues });
  if (!parsed.success) throw fail(issuesOf(parsed.error) as unknown as Json);
  const issues: { pointer: string; message: string }[] = [];
  const known = (tool: string, pointer: string) => {
    const found = tools.get(tool);
    if (!found) issues.push({ pointer, message: `no agent of the team has a tool ${tool}` });
    return found;
  };
  parsed.data.exempt?.forEach(({ tool }, index) => {
    known(tool, `/exempt/${index}/tool`);
  });
  parsed.data.accept?.forEach(({ tool, argument, from = [] }, index) => {
    const found = known(tool, `/accept/${index}/tool`);
    const properties = found?.inputSchema.properties as object | undefined;
    if (found && properties && !Object.hasOwn(properties, argument)) {
      issues.push({ pointer: `/accept/${index}/argument`, message: `${tool} has no argument ${argument}` });
    }
    from.forEach((source, at) => {
      if (!agents.has(source)) known(source, `/accept/${index}/from/${at}`);
    });
  });
  if (issues.length > 0) throw fail(issues);
  return parsed.data;
}
