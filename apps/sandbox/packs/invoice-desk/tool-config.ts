import type { Json, LookupAnswer, ToolContext } from "@remit/core";
import type { McpToolConfigs } from "@remit/mcp-bridge";
import { postedLabel } from "./policy.ts";
import { postingTools } from "./terms.ts";

/**
 * What each tool is to us. What a document says is labelled `document` and is nobody's word; the checks, the vendors and
 * the books are our own. A posting is looked up after a crash by its document, which has one posting or none.
 */
type Call = (tool: string, input: { readonly [key: string]: Json }) => Promise<Json>;

/** A posting that has not shown itself this long after the server's process was ended never will. Milliseconds. */
const settlesWithinMs = 5_000;

async function lookupPosting(
  { companyId, documentId }: { readonly [key: string]: Json },
  _: ToolContext,
  call: Call,
): Promise<LookupAnswer<Json>> {
  const answer = await call("find_posting", { companyId: companyId ?? "", documentId: documentId ?? "" });
  const { posting } = answer as { readonly posting: { readonly postingId: string; readonly account: string } | null };
  if (posting === null) return { outcome: "never" };
  return { outcome: "found", output: { postingId: posting.postingId, account: posting.account } };
}

/** On what the books say of a posting: it is our own. */
const labels = [postedLabel];
const posts = {
  labels,
  effect: "write",
  idempotency: "lookup",
  settlesWithinMs,
  lookup: lookupPosting,
  reversible: false,
  // Where the money goes, as the books have it.
  reveals: ["iban"],
} as const;

export const toolConfigs = {
  read_document: { effect: "read", labels: ["document"] },
  read_invoice: { effect: "read", labels: ["document"] },
  get_vendor: { effect: "read" },
  get_order: { effect: "read" },
  check_invoice: { effect: "read", reveals: ["iban"] },
  get_rules: { effect: "read" },
  find_posting: { effect: "read" },
  [postingTools.small]: { ...posts, risk: "medium" },
  [postingTools.middle]: { ...posts, risk: "high" },
  [postingTools.large]: { ...posts, risk: "high" },
  release_exceptions: { effect: "write", risk: "high", idempotency: "key" },
  route_exception: { effect: "write", risk: "low", idempotency: "key" },
} as const satisfies McpToolConfigs;
