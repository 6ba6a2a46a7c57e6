import type { z } from "zod";
import type { Agent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import { isName } from "../name.ts";
import { type AnySpecialist, type RemoteContract, type Specialist, type SpecialistTools, toolsOf } from "./contract.ts";

/** An agent that stands for a specialist elsewhere. It has no model, and no tools that could be called here. */
export type RemoteAgent<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Names extends string = string,
> = Agent<Name, Input, Output, readonly [], never> & { readonly remote: RemoteContract<Names> };

/**
 * Makes an agent of a contract: what it is handed becomes a run of the specialist, wherever that is served, and the run that
 * handed it on waits for the answer without costing anything but disk.
 * @throws OrchestrationError `agent/name-invalid`
 */
export function remoteAgent<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Tools extends SpecialistTools,
  const Name extends string,
>(
  specialist: Specialist<string, Input, Output, Tools>,
  options: { readonly name: Name; readonly description?: string },
): RemoteAgent<Name, Input, Output, keyof Tools & string>;
export function remoteAgent<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  Tools extends SpecialistTools,
>(specialist: Specialist<Name, Input, Output, Tools>): RemoteAgent<Name, Input, Output, keyof Tools & string>;
export function remoteAgent(
  { address, hash, tools, version, ...specialist }: AnySpecialist,
  options: { readonly name?: string; readonly description?: string } = {},
): RemoteAgent {
  const name = options.name ?? specialist.name;
  if (!isName(name)) throw new OrchestrationError("agent/name-invalid", { agent: name });
  const known = toolsOf(tools);
  return {
    kind: "agent",
    name,
    description: options.description ?? specialist.description,
    model: "" as never,
    input: specialist.input as z.ZodType,
    output: specialist.output as z.ZodType,
    inputSchema: specialist.inputSchema,
    outputSchema: specialist.outputSchema,
    tools: [],
    effects: [...known.values()].some(({ effect }) => effect === "write") ? "write" : "read",
    asks: [],
    instructions: "",
    version,
    remote: { specialist: address, hash, tools: known },
  };
}
