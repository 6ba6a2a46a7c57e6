import { type ApprovalCase, type Json, OrchestrationError, operator, type Supervisor } from "@remit/core";
import { z } from "zod";
import type { McpClient } from "../mcp-client.ts";
import { visibleJson } from "../pins.ts";
import type { ServedCallContext, ServedResult, ServedTool } from "../served.ts";
import { visible } from "../text.ts";

/**
 * What an operator does by MCP: look at what waits, and decide on it. Only clients that the configuration names as
 * operators have these tools; the core still refuses who decides on a call of their own.
 */
export const operatorToolNames = ["remit_approvals", "remit_approve", "remit_reject"] as const;

const listing = z.strictObject({
  tenant: z.string().min(1).optional(),
  address: z.string().min(1).optional().describe("Only this one, with all of its arguments"),
  after: z.string().min(1).optional().describe("Those behind this address, where a list had more"),
});
const decision = z.strictObject({
  tenant: z.string().min(1).optional(),
  address: z.string().min(1),
  binding: z.string().min(1),
  reason: z.string().min(1).max(1_000),
});

export function operatorTools(
  supervisor: Supervisor,
  isOperator: (client: McpClient) => boolean,
): readonly ServedTool[] {
  const tool = <Schema extends z.ZodType>(
    name: (typeof operatorToolNames)[number],
    description: string,
    schema: Schema,
    call: (input: z.output<Schema>, context: ServedCallContext) => Promise<Json>,
  ): ServedTool => ({
    kind: "served-tool",
    definition: {
      name,
      description,
      inputSchema: z.toJSONSchema(schema) as ServedTool["definition"]["inputSchema"],
      annotations: { readOnlyHint: name === "remit_approvals", destructiveHint: name !== "remit_approvals" },
    },
    call: async (input, context) => {
      if (!isOperator(context.client)) return said("This is for operators.", true);
      const read = schema.safeParse(input);
      if (!read.success) return said(`The arguments do not fit. ${z.prettifyError(read.error)}`, true);
      try {
        const answer = await call(read.data, context);
        return { ...said(JSON.stringify(answer)), structuredContent: answer };
      } catch (thrown) {
        if (!OrchestrationError.is(thrown) || !/^(approval|journal)\//.test(thrown.code)) throw thrown;
        return said(`${thrown.code}: ${visible(thrown.message)} ${thrown.hint}`, true);
      }
    },
  });
  const decide = (word: "approve" | "reject") =>
    tool(
      word === "approve" ? "remit_approve" : "remit_reject",
      `${word === "approve" ? "Approves" : "Rejects"} one call that waits, as it was shown: give its address and its binding.`,
      decision,
      async ({ tenant, address, binding, reason }, { client }) => {
        const principal = operator(client.principal.id);
        const taken = await supervisor.approvals.decide(tenant ?? client.tenant, address, {
          decision: word,
          reason,
          binding,
          principal,
        });
        return { ...taken } as unknown as Json;
      },
    );
  return [
    tool(
      "remit_approvals",
      "Lists the calls that wait for a person, with their exact arguments. Long ones are given one by one, by address.",
      listing,
      async (input, context) => {
        const tenant = input.tenant ?? context.client.tenant;
        const { approvals } = supervisor;
        return (input.address === undefined
          ? listed(await approvals.list({ tenant }), input.after)
          : { waiting: [shown(await approvals.show(tenant, input.address))], more: 0 }) as unknown as Json;
      },
    ),
    decide("approve"),
    decide("reject"),
  ];
}

/** Of the arguments of one call, and of one list: a client's answer has an end, and whoever asks for much must not fill it. */
const argumentBytes = 16 * 1024;
const listBytes = 256 * 1024;

/** As many as there is room for, at least one; of those with long arguments it is said how long they are. */
function listed(cases: readonly ApprovalCase[], after: string | undefined) {
  const from = cases.findIndex(({ address }) => address === after) + 1;
  const waiting: object[] = [];
  let bytes = 0;
  for (const one of cases.slice(from)) {
    const { input, ...rest } = shown(one);
    const inputBytes = Buffer.byteLength(JSON.stringify(input));
    const told = inputBytes > argumentBytes ? { ...rest, inputBytes } : { ...rest, input };
    bytes += Buffer.byteLength(JSON.stringify(told));
    if (bytes > listBytes && waiting.length > 0) break;
    waiting.push(told);
  }
  return { waiting, more: cases.length - from - waiting.length };
}

/** What a person decides from. Texts are others': written out, never obeyed. */
function shown({
  address,
  tool,
  input,
  risk,
  reversible,
  why,
  requesters,
  requestedAt,
  expiresAt,
  binding,
}: ApprovalCase) {
  return {
    address,
    tool,
    input: visibleJson(input),
    risk,
    reversible,
    why: visible(why),
    requesters,
    requestedAt: new Date(requestedAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    binding,
  };
}

function said(text: string, isError = false): ServedResult {
  return { content: [{ type: "text", text }], ...(isError ? { isError } : {}) };
}
