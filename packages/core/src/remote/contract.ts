import { z } from "zod";
import type { Effect } from "../effect/effect.ts";
import { OrchestrationError } from "../errors.ts";
import { hashJson } from "../hash.ts";
import type { JsonSchema } from "../json.ts";
import { isName } from "../name.ts";
import { assertSynchronous, jsonSchemaOf } from "../schema.ts";
import { type AnyTool, defineTool } from "../tool.ts";

/**
 * The contract of a specialist that works in a deployment of its own: a small value that both teams have from one package.
 * Whoever delegates makes an agent of it, whoever serves it puts an agent behind it, and both compare its hash before
 * anything runs (see `docs/adr/0030`).
 */

/** A tool of the specialist that its callers know of, and can bound. */
export interface SpecialistTool {
  readonly effect: Effect;
  /** Its arguments, where grants shall speak of them. */
  readonly input?: z.ZodType;
}

export type SpecialistTools = Readonly<Record<string, SpecialistTool>>;

/** Made by {@link defineSpecialist}; plain data. */
export interface Specialist<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Tools extends SpecialistTools = SpecialistTools,
> {
  readonly kind: "specialist";
  readonly name: Name;
  readonly version: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** Every tool that may write in its callers' name; of those that read, the ones that grants shall speak of. */
  readonly tools: Tools;
  /** `name@version`: two versions are two specialists. */
  readonly address: string;
  /** Over names, JSON Schemas and effects. */
  readonly hash: string;
}

/** Any contract at all. */
// biome-ignore lint/suspicious/noExplicitAny: a union of contracts must accept every schema.
export type AnySpecialist = Specialist<string, any, any, SpecialistTools>;

/** What an agent knows of the specialist that it stands for. */
export interface RemoteContract<Names extends string = string> {
  readonly specialist: string;
  readonly hash: string;
  /** The tools that a grant may name; none of them can be called from here. */
  readonly tools: ReadonlyMap<string, AnyTool>;
  /** Type only. */
  readonly names?: Names;
}

const anything = z.looseObject({});
const versionForm = /^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/;

/**
 * Defines what a specialist takes, gives, and may do in its callers' name.
 * @throws OrchestrationError `specialist/contract-invalid`, `tool/name-invalid`, `tool/schema-not-representable`
 */
export function defineSpecialist<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  const Tools extends SpecialistTools = Record<never, never>,
>(options: {
  readonly name: Name;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly tools?: Tools;
  /** Raise it for what callers of the present version could not take; `1` when absent. */
  readonly version?: string;
}): Specialist<Name, Input, Output, Tools> {
  const { name, description, input, output, version = "1" } = options;
  const tools = options.tools ?? ({} as Tools);
  const invalid = (reason: string) =>
    new OrchestrationError("specialist/contract-invalid", { specialist: name, reason });
  if (!isName(name)) throw invalid("its name is none");
  if (!versionForm.test(version)) throw invalid(`its version ${version.slice(0, 100)} is none`);
  assertSynchronous(input, "input", name);
  assertSynchronous(output, "output", name);
  const inputSchema = jsonSchemaOf(input, "input", name);
  const outputSchema = jsonSchemaOf(output, "input", name, "output");
  const known = [...toolsOf(tools).values()].map((tool) => [tool.name, tool.effect, tool.inputSchema]);
  return {
    kind: "specialist",
    name,
    version,
    description,
    input,
    output,
    inputSchema,
    outputSchema,
    tools,
    address: `${name}@${version}`,
    hash: hashJson({ name, version, input: inputSchema, output: outputSchema, tools: known }),
  };
}

/** The tools of a contract as what grants are checked against, by name. Nobody can call them. */
export function toolsOf(tools: SpecialistTools): ReadonlyMap<string, AnyTool> {
  const execute = (): never => {
    throw new OrchestrationError("run/internal", { reason: "a tool of a specialist was called elsewhere" });
  };
  const made = Object.entries(tools).map(([name, { effect, input = anything }]): [string, AnyTool] => {
    const common = { name, description: "A tool of a specialist.", input, output: anything, execute };
    const tool =
      effect === "read"
        ? defineTool({ ...common, effect })
        : defineTool({ ...common, effect, risk: "high", idempotency: "key" });
    return [name, tool as AnyTool];
  });
  return new Map(made.sort(([left], [right]) => (left < right ? -1 : 1)));
}
