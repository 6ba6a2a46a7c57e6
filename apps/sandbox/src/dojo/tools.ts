import { type AnyTool, defineTool, ToolRefusal } from "@remit/core";
import { z } from "zod";
import { toolOptions } from "./govern.ts";
import type { DojoPolicy, ToolPolicy } from "./policy.ts";
import type { Value } from "./state.ts";
import type { Suite, SuiteArgument, SuiteTool } from "./suite.ts";

/** The attribute of a run that says whose world its tools work on. */
export const worldAttribute = "world";

/** Plays one call in the world of a run. @throws ToolRefusal */
export type Perform = (world: string, tool: SuiteTool, args: Readonly<Record<string, Value>>, key: string) => Value;

/** A suite's tools as tools of the framework; ungoverned ones have no label and protect nothing. */
export function toolsOf(suite: Suite, policy: DojoPolicy | undefined, perform: Perform): readonly AnyTool[] {
  return suite.tools.map((tool) => toolOf(tool, policy?.tools.get(tool.name), perform));
}

function toolOf(tool: SuiteTool, policy: ToolPolicy | undefined, perform: Perform): AnyTool {
  const common = {
    name: tool.name,
    description: tool.effect || tool.name,
    input: z.strictObject(
      Object.fromEntries(tool.args.map((argument) => [argument.name, argumentSchema(argument, policy)])),
    ),
    output: answerSchema(policy),
    ...(policy === undefined ? {} : toolOptions(policy)),
  };
  const execute = (
    input: Readonly<Record<string, unknown>>,
    {
      attributes,
      idempotencyKey,
    }: { readonly attributes: Readonly<Record<string, string>>; readonly idempotencyKey: string },
  ): never => {
    const world = attributes[worldAttribute];
    if (world === undefined) throw new ToolRefusal("This run has no world.");
    return perform(world, tool, input as Readonly<Record<string, Value>>, idempotencyKey) as never;
  };
  return tool.kind === "read"
    ? defineTool({ ...common, effect: "read", execute })
    : defineTool({ ...common, effect: "write", risk: policy?.risk ?? "low", idempotency: "key", execute });
}

function argumentSchema({ name, type, required }: SuiteArgument, policy: ToolPolicy | undefined): z.ZodType {
  const domain = policy?.domains[name];
  const schema = domain === undefined ? schemaOf(type) : withDomain(schemaOf(type), domain);
  return required ? schema : schema.nullish();
}

/** A list has the domain of its members. */
function withDomain(schema: z.ZodType, domain: string): z.ZodType {
  return schema instanceof z.ZodArray
    ? z.array((schema.element as z.ZodType).meta({ domain }))
    : schema.meta({ domain });
}

/** The schema of an argument's type as tools.json writes it; what it does not say may be any JSON. */
function schemaOf(type: string): z.ZodType {
  const list = /^array<(.*?)>?$/.exec(type);
  if (list) return z.array(list[1] === "" || list[1] === undefined ? z.json() : schemaOf(list[1]));
  switch (type) {
    case "string":
      return z.string();
    case "integer":
      return z.int();
    case "number":
      return z.number();
    case "boolean":
      return z.boolean();
    default:
      return z.json();
  }
}

interface Shape {
  domain?: string;
  readonly members: Map<string, Shape>;
}

/** Any JSON; where the policy names domains of parts of it, a schema that says where they are and lets all else be. */
function answerSchema(policy: ToolPolicy | undefined): z.ZodType {
  const root: Shape = { members: new Map() };
  for (const [pointer, domain] of Object.entries(policy?.domains ?? {})) {
    if (!pointer.startsWith("/")) continue;
    let shape = root;
    for (const key of pointer.slice(1).split("/")) {
      const next = shape.members.get(key) ?? { members: new Map() };
      shape.members.set(key, next);
      shape = next;
    }
    shape.domain = domain;
  }
  return root.members.size === 0 ? z.json() : shaped(root);
}

function shaped({ domain, members }: Shape): z.ZodType {
  if (members.size === 0) return domain === undefined ? z.json() : z.union([z.string(), z.number()]).meta({ domain });
  const every = members.get("*");
  if (every) return z.array(shaped(every));
  return z.looseObject(Object.fromEntries([...members].map(([key, shape]) => [key, shaped(shape).optional()])));
}
