import type { Json } from "@remit/core";
import type { Turn } from "@remit/core/testing";

/** The turns of the five roles that are the same for every domain, and the one way to write the others. */

const says = (agent: string, value: object): Turn => ({ agent, parts: [{ type: "output", value: value as never }] });

export function calls(
  agent: string,
  step: { readonly actionId: string; readonly name: string; readonly input: Json },
): Turn {
  return { agent, parts: [{ type: "toolCall", callId: step.actionId, tool: step.name, input: step.input }] };
}

export function asksCustomer(question: string): Turn {
  return { agent: "action", parts: [{ type: "ask", of: "customer", question: question.slice(0, 4_000) }] };
}

export function triaged(opening: string, change: boolean): Turn {
  return says("triage", {
    intent: change ? "change_request" : "information_request",
    kind: change ? "change" : "question",
    severity: "low",
    sensitivity: "personal",
    confidence: 0.95,
    summary: opening.slice(0, 4_000),
    language: "en",
  });
}

export function found(records: number): Turn {
  return says("retrieval", { passages: [], summary: `${records} records were read.`, missing: [] });
}

export function allowed(reason: string): Turn {
  return says("compliance", { verdict: "allow", ruleIds: ["policy"], reasons: [reason] });
}

export function acted(
  done: readonly string[],
  { next, handedOver }: { next: "lookup" | "review"; handedOver: boolean },
): Turn {
  return says("action", { done, notDone: [], next, handedOver });
}

export function closed(reply: string, handedOver: boolean): Turn {
  return says("reviewer", {
    disposition: handedOver ? "handed_over" : "answered",
    reply,
    ...(handedOver
      ? {
          packet: {
            what: "Take over this conversation.",
            why: "It is outside of what the desk may do.",
            evidence: [],
            diff: [],
            risk: "low",
          },
        }
      : {}),
  });
}

/** How a change is named to the customer before it is made: `cancel pending order (#W1, no longer needed)`. */
export function changeText({ name, input }: { readonly name: string; readonly input: object }): string {
  return `${name.replaceAll("_", " ")} (${Object.values(input).flat().join(", ")})`;
}

export const handOverTool = "transfer_to_human_agents";
