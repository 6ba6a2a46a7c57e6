import { type ApprovalCase, becauseText, type Entry, type Json, type RevealedCase } from "@remit/core";
import { glance } from "./glance.ts";
import type { Screen } from "./screen.ts";
import { type Cell, pairs, table } from "./table.ts";
import { cut, printable } from "./text.ts";

/** Writes that wait for a person, as a person reads them. */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long it is until then: `in 23 h 59 min`, `2 min ago`. */
export function untilText(at: number, now: number): string {
  const left = Math.abs(at - now);
  const parts: [number, string][] = [
    [Math.floor(left / dayMs), "d"],
    [Math.floor((left % dayMs) / hourMs), "h"],
    [Math.floor((left % hourMs) / minuteMs), "min"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  const told = first < 0 ? [] : parts.slice(first, first + 2).filter(([number]) => number > 0);
  const text = told.map(([number, unit]) => `${number} ${unit}`).join(" ") || "less than a minute";
  return at >= now ? `in ${text}` : `${text} ago`;
}

export function minuteText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** What would be done, in a line. */
export function whatText({ packet, input }: ApprovalCase): string {
  return packet?.what ?? glance(input);
}

/** How many approvals there are of those it takes, and whose. */
export function quorumText({ quorum, approvals }: ApprovalCase): string {
  return `${approvals.length} of ${quorum}${approvals.length > 0 ? `: ${approvals.join(", ")}` : ""}`;
}

/** Two lines a case: where it stands, and what would be done. */
export function caseTable(cases: readonly ApprovalCase[], now: number, { columns, paint }: Screen): string[] {
  const rows = cases.map((open): Cell[] => [
    { text: printable(open.address), tint: paint.name },
    { text: open.tool },
    { text: open.risk, tint: open.risk === "high" ? paint.bad : paint.warn },
    { text: printable(open.requesters.join(", ")) },
    { text: `${untilText(open.expiresAt, now)}` },
    { text: minuteText(open.expiresAt), tint: paint.quiet },
    { text: `${open.approvals.length} of ${open.quorum}` },
  ]);
  const titles = [
    { title: "address" },
    { title: "tool" },
    { title: "risk" },
    { title: "asked by", spare: 1 },
    { title: "expires" },
    { title: "", spare: 2 },
    { title: "approvals" },
  ];
  const [head = "", ...lines] = table(titles, rows, { columns, head: paint.quiet });
  return [
    head,
    ...cases.flatMap((open, index) => [lines[index] ?? "", `  ${cut(printable(whatText(open)), columns - 2)}`]),
  ];
}

/** All that one needs to decide, beside the arguments: names and what is said of them; a line without a name goes on with the one before. */
export function caseFacts(open: ApprovalCase, entries: readonly Entry[], now: number): [string, string][] {
  const { packet, verdict, diff, roles, requesters, labels, risk, reversible, evidence } = open;
  const reads = readsBefore(open, entries);
  return [
    ["what", whatText(open)],
    ["why", open.why],
    ["risk", `${risk}, ${reversible ? "can be undone" : "cannot be undone"}`],
    ...(packet?.deadline === undefined ? [] : [["matter until", packet.deadline] as [string, string]]),
    ...changeFacts(packet?.diff.map(({ what, from, to }) => `${what}: ${from ?? "?"} → ${to}`) ?? [], "changes"),
    ...changeFacts(diff.map(changeText), "edited"),
    [
      "verdict",
      verdict === undefined
        ? "nobody has judged it by rule"
        : [
            verdict.verdict === "none" ? "none was given" : verdict.verdict,
            ...verdict.ruleIds.map((id) => `rule ${id}`),
            ...verdict.reasons,
            ...verdict.conditions.map((condition) => `condition: ${condition}`),
          ].join(" · "),
    ],
    ...(open.policy === undefined
      ? []
      : [
          ["policy", `rule ${open.policy.ruleId} of ${open.policy.policyVersion}: ${open.policy.because}`] as [
            string,
            string,
          ],
        ]),
    ["evidence", evidence.join(", ") || "none is named"],
    ["labels", labels.length > 0 ? `the run had read data from ${labels.join(", ")}` : "the run has read nothing"],
    ...changeFacts(open.because.map(becauseText), "asked because"),
    ...changeFacts(reads, "had read"),
    ["asked by", `${requesters.join(", ")} (who asked cannot approve)`],
    [
      "takes",
      `${open.quorum} ${open.quorum === 1 ? "person" : "people"}${roles.length > 0 ? ` of role ${roles.join(" or ")}` : ""}`,
    ],
    ["approvals", quorumText(open)],
    ["expires", `${untilText(open.expiresAt, now)}, ${minuteText(open.expiresAt)}`],
  ];
}

/** The same for a terminal, with the arguments. */
export function caseLines(open: ApprovalCase, entries: readonly Entry[], now: number, screen: Screen): string[] {
  const { columns, paint } = screen;
  const facts = caseFacts(open, entries, now);
  const argumentsText = JSON.stringify(open.input, null, 2).split("\n");
  return [
    `${paint.strong(`${printable(open.tool)} waits for an approval`)} ${paint.quiet(`· asked for by ${printable(open.agent)}`)}`,
    paint.name(printable(open.address)),
    "",
    ...pairs(
      facts.map(([name, value]) => [name, printable(value)] as const),
      { columns, name: paint.quiet },
    ),
    "",
    paint.quiet("arguments"),
    ...argumentsText.map((line) => `  ${printable(line)}`),
  ];
}

/** What is shown in the clear, and of what tokens still stand there. */
export function revealedLines(open: RevealedCase, { paint }: Screen): string[] {
  const { shown, kept } = revealedTexts(open);
  const lines = [...(shown === undefined ? [] : [paint.warn(printable(shown))]), ...kept.map(printable)];
  return lines.length > 0 ? lines : ["nothing in its arguments is sealed"];
}

export function revealedTexts({ revealed, withheld }: Pick<RevealedCase, "revealed" | "withheld">): {
  readonly shown: string | undefined;
  readonly kept: readonly string[];
} {
  const reasons = {
    "not-cleared": "none of your roles is cleared for it",
    masked: "it was masked, and nobody has it",
    "key-missing": "its key is not there",
    erased: "it was erased",
  } as const satisfies Record<RevealedCase["withheld"][number]["why"], string>;
  const shown = revealed.length > 0 ? `in the clear: ${revealed.join(", ")}; that you saw it is recorded` : undefined;
  const kept = withheld.map(({ class: kind, why, pointers }) => {
    return `still sealed: ${kind}${pointers.length > 0 ? ` at ${pointers.join(", ")}` : ""}; ${reasons[why]}`;
  });
  return { shown, kept };
}

function changeFacts(lines: readonly string[], name: string): [string, string][] {
  return lines.map((line, index) => [index === 0 ? name : "", line]);
}

function changeText({ path, before, after }: ApprovalCase["diff"][number]): string {
  const shown = (value: Json | undefined) => (value === undefined ? "absent" : JSON.stringify(value));
  return `${path || "the whole"}: ${shown(before)} → ${shown(after)}`;
}

const readsShown = 12;

/** What the run had read before it asked, and the sources that its agent was given. */
function readsBefore({ effect, requestedAt }: ApprovalCase, entries: readonly Entry[]): string[] {
  const instance = effect.split("/").slice(0, -1).join("/");
  const reads = new Map<string, string>();
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.at > requestedAt) break;
    if (entry.type === "tool.called" && entry.body.effect === "read") {
      reads.set(entry.body.command, `${entry.body.tool} ${glance(entry.body.input)}`);
    }
    if (entry.type === "tool.returned")
      found.push(...(reads.has(entry.body.command) ? [reads.get(entry.body.command) ?? ""] : []));
    if (entry.type === "handoff.delivered" && entry.path === instance) {
      const sources = sourcesIn(entry.body.payload);
      if (sources.length > 0) found.push(`sources ${sources.join(", ")}`);
    }
  }
  const unique = [...new Set(found)];
  const more = unique.length - readsShown;
  return more > 0 ? [...unique.slice(0, readsShown), `… and ${more} more`] : unique;
}

function sourcesIn(value: Json): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => sourcesIn(item));
  return Object.entries(value).flatMap(([key, member]) =>
    key === "sourceId" && typeof member === "string" ? [member] : sourcesIn(member as Json),
  );
}
