import type { Json, Risk } from "@remit/core";
import type { McpDefinition } from "./definition.ts";

/**
 * What might be said of a tool, for a person to correct. Guessed from its name and from hints of its own server, which is
 * why nothing uses it by itself: where the two do not agree that it only reads, it writes, with high risk.
 */
export type ToolProposal = {
  /** Why, in words. */
  readonly because: string;
} & (
  | { readonly effect: "read" }
  | { readonly effect: "write"; readonly risk: Exclude<Risk, "low">; readonly idempotency: "none" }
);

const reading =
  /^(?:get|list|read|search|find|fetch|query|describe|show|count|view|stat|head|tail|diff|log|status|check|info|inspect|directory|lookup|look|open|browse|resolve|explain|validate|calculate|blame|reflog)(?:$|[_.\-/A-Z\d])/;
const writing =
  /(?:^|[_.\-/]|(?<=[a-z])(?=[A-Z]))(?:write|delete|remove|create|update|set|put|post|send|exec|execute|run|move|rename|edit|insert|drop|push|commit|merge|reset|clean|upload|publish|pay|refund|transfer|install|kill|stop|start|add|clear|burn)(?:$|[_.\-/A-Z\d])/i;
const adding = /^(?:add|create|append|insert|post)(?:$|[_.\-/A-Z\d])/;

export function proposalFor({ name, annotations = {} }: Pick<McpDefinition, "name" | "annotations">): ToolProposal {
  const hint = (member: string): Json | undefined => annotations[member];
  // `git_status` reads as `status` does: a server often puts its own name before it.
  const words = [name, name.replace(/^[a-z\d]+[_.\-/]/i, "")];
  const saysRead = words.some((word) => reading.test(word)) && !writing.test(name);
  if (saysRead && hint("readOnlyHint") === true) {
    return { effect: "read", because: "its name and its server say that it only reads" };
  }
  const write = (risk: "medium" | "high", because: string): ToolProposal => ({
    effect: "write",
    risk,
    idempotency: "none",
    because,
  });
  if (hint("readOnlyHint") === true) {
    return write("high", "its server says that it only reads, and its name does not");
  }
  if (saysRead) return write("high", "its name says that it reads, and its server does not");
  if (hint("destructiveHint") === false && words.some((word) => adding.test(word))) {
    return write("medium", "its name and its server say that it adds and destroys nothing");
  }
  return write("high", "nothing says that it only reads");
}
