import type { BfclReport, ConversationLine, Denials, RequestLine, Share } from "./bench.ts";
import type { ContractReport } from "./contract.ts";

/** What people read of function-calling conversations. */

const shown = 5;

export function bfclLines({ contracts, conversations, requests, findings }: BfclReport): string[] {
  return [
    ...contractLines(contracts),
    "There is nothing behind the functions: calls are compared, and what they answer or change is not.",
    ...findings.slice(0, shown).map((text) => `  not right: ${text}`),
    ...(findings.length > shown ? ["  … and more, in --json"] : []),
    ...conversations.map(conversationText),
    ...requests.map(requestText),
  ];
}

function contractLines({
  functions,
  unreadable,
  changes,
  calls,
  fitting,
  unfit,
  mutants,
  accepted,
}: ContractReport): string[] {
  const refused = Object.entries(mutants).map(([name, { made, refused }]) => `${name} ${refused}/${made}`);
  return [
    `${functions} functions · ${changes} places of their descriptions written as JSON Schema`,
    ...unreadable.slice(0, shown).map((reason) => `  cannot be read: ${reason}`),
    ...(unreadable.length > shown ? [`  … and ${unreadable.length - shown} more`] : []),
    `right calls that fit ${fitting}/${calls} · wrong calls refused: ${refused.join(", ")}`,
    ...unfit.slice(0, shown).map((call) => `  does not fit: ${call}`),
    ...accepted.slice(0, shown).map((call) => `  fits, and should not: ${call}`),
  ];
}

export function conversationText(line: ConversationLine): string {
  const { name, conversations, calls, others, asked, wentOn, handedOver, takenUp, denied } = line;
  const parts = [
    `conversations ${text(conversations)}`,
    `calls ${text(calls)}`,
    `other calls ${others}`,
    ...(asked.of === 0 ? [] : [`asked ${text(asked)}, went on ${text(wentOn)}`]),
    ...(handedOver.of === 0 ? [] : [`handed over ${text(handedOver)}, taken up ${text(takenUp)}`]),
    `denied ${deniedText(denied)}`,
  ];
  return `${name}: ${parts.join(" · ")}`;
}

export function requestText({ name, requests, ran, approvals, denied }: RequestLine): string {
  return `${name}: left alone ${text(requests)} · calls that ran ${ran} · waited for a person ${approvals} · denied ${deniedText(denied)}`;
}

function text({ of, right }: Share): string {
  return `${right}/${of}`;
}

function deniedText(denied: Denials): string {
  const codes = Object.entries(denied).sort(([left], [right]) => (left < right ? -1 : 1));
  const total = codes.reduce((sum, [, many]) => sum + many, 0);
  return total === 0 ? "0" : `${total} (${codes.map(([code, many]) => `${code} ${many}`).join(", ")})`;
}
