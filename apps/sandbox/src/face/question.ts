import type { QuestionCase, QuestionField } from "@remit/core";
import { minuteText, untilText } from "./case.ts";
import type { Screen } from "./screen.ts";
import { type Cell, pairs, table } from "./table.ts";
import { cut, printable } from "./text.ts";

/** Questions of tools that wait for a person, as a person reads them. What their servers say is theirs. */

export const warningTexts = {
  "local-address": "the page is on this machine or in a private network",
  "address-by-number": "the page is named by a number, not by a name",
  "look-alike-host": "the page's name has letters that may look like others",
  "not-encrypted": "what is typed there can be read on the way",
  "asks-for-secret": "it seems to ask for a secret; an answer is kept in the journal",
} as const satisfies Readonly<Record<QuestionCase["warnings"][number], string>>;

/** Two lines a question: where it stands, and what is asked. */
export function questionTable(questions: readonly QuestionCase[], now: number, { columns, paint }: Screen): string[] {
  const rows = questions.map((open): Cell[] => [
    { text: printable(open.address), tint: paint.name },
    { text: open.tool },
    { text: open.mode === "url" ? printable(open.origin ?? "") : "a form" },
    { text: untilText(open.expiresAt, now) },
    { text: open.warnings.length > 0 ? "look twice" : "", tint: paint.warn },
  ]);
  const titles = [
    { title: "address" },
    { title: "tool" },
    { title: "asks for", spare: 1 },
    { title: "expires" },
    { title: "" },
  ];
  const [head = "", ...lines] = table(titles, rows, { columns, head: paint.quiet });
  return [
    head,
    ...questions.flatMap((open, index) => [
      lines[index] ?? "",
      `  ${cut(`“${printable(open.message)}”`, columns - 2)}`,
    ]),
  ];
}

/** All that one needs to answer, beside the fields: names and what is said of them. */
export function questionFacts(open: QuestionCase, now: number): [string, string][] {
  const { labels, requesters, roles } = open;
  return [
    ["says", `“${open.message}”`],
    ...(open.url === undefined ? [] : ([["page", open.url] as [string, string]] as const)),
    ...(open.origin === undefined ? [] : ([["of", open.origin] as [string, string]] as const)),
    ["labels", labels.join(", ")],
    ["call", `${open.effect} of run ${open.run}`],
    ["for", `${requesters.join(", ")} (who asked cannot answer)`],
    ...(roles.length === 0 ? [] : ([["takes", `a person of role ${roles.join(" or ")}`] as [string, string]] as const)),
    ["expires", `${untilText(open.expiresAt, now)}, ${minuteText(open.expiresAt)}`],
  ];
}

/** The same for a terminal, with the fields. */
export function questionLines(open: QuestionCase, now: number, { columns, paint }: Screen): string[] {
  const { tool, agent } = open;
  const facts = questionFacts(open, now);
  return [
    `${paint.strong(`${printable(tool)} asks a person`)} ${paint.quiet(`· in a call of ${printable(agent)}; its text is not ours`)}`,
    paint.name(printable(open.address)),
    "",
    ...open.warnings.map((warning) => paint.warn(`! ${warningTexts[warning]}`)),
    ...(open.warnings.length > 0 ? [""] : []),
    ...pairs(
      facts.map(([name, value]) => [name, printable(value)] as const),
      { columns, name: paint.quiet },
    ),
    ...(open.fields.length > 0 ? ["", paint.quiet("fields"), ...open.fields.map(fieldText)] : []),
  ];
}

function fieldText({ name, title, description, type, required, choices, bounds, ...rest }: QuestionField): string {
  const words = [
    title === name ? "" : `“${title}”`,
    type,
    required ? "required" : "",
    choices ? `one of ${choices.map(({ value }) => JSON.stringify(value)).join(", ")}` : "",
    ...Object.entries(bounds).map(([bound, value]) => `${bound} ${value}`),
    rest.default === undefined ? "" : `otherwise ${JSON.stringify(rest.default)}`,
    description,
  ];
  return `  ${printable(`${name}: ${words.filter((word) => word !== "").join(" · ")}`)}`;
}

/** What an answer's `--content` might look like, for the fields that have to be filled in. */
export function contentSample(fields: readonly QuestionField[]): string {
  const sample = fields
    .filter((field) => field.required)
    .map(({ name, type, choices }): [string, unknown] => {
      const [first] = choices ?? [];
      if (type === "array") return [name, first ? [first.value] : []];
      return [name, first?.value ?? (type === "boolean" ? true : type === "string" ? "…" : 0)];
    });
  return JSON.stringify(Object.fromEntries(sample));
}
