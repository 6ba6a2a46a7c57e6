import {
  type AnyTool,
  definePolicyRule,
  defineTool,
  type EarlierCall,
  type Json,
  OrchestrationError,
  type Tool,
  ToolRefusal,
  type WrittenRule,
} from "@remit/core";
import { z } from "zod";

/**
 * Tools that have to be discovered: each stands in its agent's list and may be called only after something that the run has
 * read named it, and after it was unlocked. Unlocking is a write of its own, so the journal says who unlocked what, and by
 * which rule. Nothing here widens a list: the rules take away until then.
 */
export interface DiscoverableOptions<Name extends string> {
  /** What is locked. */
  readonly tools: readonly AnyTool[];
  /** Tools whose answers may name them, such as `search` and `read` of a library. */
  readonly namedBy: readonly AnyTool[];
  /** Name of the tool that unlocks; `unlock_tool` when absent. */
  readonly name?: Name;
  readonly description?: string;
  /** `approve`: a person is asked each time something is to be unlocked. */
  readonly by?: "allow" | "approve";
}

const unlockInput = z.strictObject({
  tool: z.string().min(1).max(64).describe("Name of the tool, exactly as it was read"),
});
const unlockOutput = z.object({
  tools: z.array(z.object({ name: z.string(), description: z.string(), inputSchema: z.record(z.string(), z.json()) })),
});

export interface Discoverable<Name extends string> {
  /** Unlocks one tool, and says what it takes. Give it as `toolSearch.tool`, and a model is offered what is unlocked. */
  readonly unlock: Tool<Name, typeof unlockInput, typeof unlockOutput, "write">;
  /**
   * For the policy, behind its other rules: when something may be unlocked, and what may be called. What undoes another locked
   * tool also passes where that is undone: who undoes it reads and unlocks nothing.
   */
  readonly rules: readonly WrittenRule[];
}

const known: { readonly [Member in keyof Required<DiscoverableOptions<string>>]: true } = {
  ...{ tools: true, namedBy: true, name: true, description: true, by: true },
};

/** What no compiler has told to who writes JavaScript: a misspelt `by` would ask nobody. */
function assertKnown(options: Partial<DiscoverableOptions<string>> | undefined): void {
  const where = "what is discoverable";
  for (const member of ["tools", "namedBy"] as const) {
    const value = options?.[member];
    if (Array.isArray(value) && (value as readonly unknown[]).every((one) => (one as AnyTool | null)?.kind === "tool"))
      continue;
    throw new OrchestrationError("options/invalid", { where, member, wants: "a list of tools", value: kindOf(value) });
  }
  for (const [member, value] of Object.entries(options ?? {})) {
    if (value === undefined || Object.hasOwn(known, member)) continue;
    throw new OrchestrationError("options/unknown", { where, member, known: Object.keys(known) });
  }
  const { by } = options ?? {};
  if (by === undefined || by === "allow" || by === "approve") return;
  throw new OrchestrationError("options/invalid", {
    where,
    member: "by",
    wants: "`allow` or `approve`",
    value: String(by),
  });
}

function kindOf(value: unknown): string {
  return value === undefined ? "nothing" : Array.isArray(value) ? "a list of something else" : `a ${typeof value}`;
}

/** @throws OrchestrationError `options/invalid`, `options/unknown` */
export function discoverable<const Name extends string = "unlock_tool">(
  options: DiscoverableOptions<Name>,
): Discoverable<Name> {
  assertKnown(options);
  const { tools, namedBy, by = "allow" } = options;
  const name = (options.name ?? "unlock_tool") as Name;
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const unlock = defineTool({
    name,
    description:
      options.description ??
      "Unlocks a tool that a document names. Only what was read before can be unlocked; unlock only what you are going to use.",
    input: unlockInput,
    output: unlockOutput,
    effect: "write",
    // It changes nothing but what this run may do, which its entry says: another try of it is the same.
    risk: "low",
    idempotency: "key",
    timeoutMs: 5_000,
    version: tools.map((tool) => `${tool.name}@${tool.version}`).join(","),
    execute: ({ tool }) => {
      const found = byName.get(tool);
      if (found === undefined) throw new ToolRefusal(`there is nothing to unlock that is called ${tool}`);
      const { description, inputSchema } = found;
      return {
        tools: [{ name: tool, description, inputSchema: { ...inputSchema } as Record<string, z.core.util.JSONType> }],
      };
    },
  });
  const undoing = tools.flatMap(({ undo }) => (undo && byName.has(undo.tool.name) ? [undo.tool.name] : []));
  const rules = [
    definePolicyRule({
      id: `${name}:named`,
      on: "tool",
      tools: [name],
      effect: by,
      after: {
        tools: namedBy.map((reader) => reader.name),
        when: ({ output }, call) => names(output, (call.arguments as z.output<typeof unlockInput>).tool),
      },
      because: "something that was read names the tool",
    }),
    definePolicyRule({
      id: `${name}:unlocked`,
      on: "tool",
      tools: tools.map((tool) => tool.name),
      effect: "allow",
      after: { tools: [name], when: (earlier, call) => unlockedBy(earlier) === call.tool },
      because: "the tool was unlocked",
    }),
    ...(undoing.length === 0
      ? []
      : [
          definePolicyRule({
            id: `${name}:undone`,
            on: "tool",
            // As runs name who undoes their writes; no agent is called so.
            agents: ["compensation"],
            tools: undoing,
            effect: "allow",
            because: "what was unlocked may be undone",
          }),
        ]),
  ];
  return { unlock, rules };
}

/** What an earlier call has unlocked, by what it answered. */
function unlockedBy({ output }: EarlierCall): string | undefined {
  const read = unlockOutput.safeParse(output);
  return read.success ? read.data.tools[0]?.name : undefined;
}

const wordSign = /[A-Za-z0-9_-]/;

/** True when a text anywhere in a value has the name as a whole: `close_account` is not named by `close_account_2`. */
export function names(value: Json, name: string): boolean {
  if (typeof value === "string") {
    for (let at = value.indexOf(name); at >= 0 && name !== ""; at = value.indexOf(name, at + 1)) {
      if (!wordSign.test(value[at - 1] ?? " ") && !wordSign.test(value[at + name.length] ?? " ")) return true;
    }
    return false;
  }
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((member) => names(member as Json, name));
}
