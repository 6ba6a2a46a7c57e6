import { choicesOf } from "../elicit/answer.ts";
import type { FormField, ToolQuestion } from "../elicit/question.ts";
import { type QuestionWarning, warningsOf } from "../elicit/warnings.ts";
import { type Entry, type EntryBodies, endStatusOf, endTypes } from "../event.ts";
import type { RunRecord } from "../port/journal.ts";
import { addressOf } from "./open-cases.ts";
import { shownText } from "./shown.ts";

/** Questions of tools that wait, as they follow from a run's journal. */

/** One question of a tool under way: all that a person needs to answer it. Texts are shown as {@link shownText} has them. */
export interface QuestionCase {
  /** `run/question`: what answers are sent to. */
  readonly address: string;
  readonly tenant: string;
  readonly run: string;
  readonly supervisor: string;
  /** Epoch ms at which the run started; lists go by it. */
  readonly startedAt: number;
  readonly question: string;
  /** Path of the call that asks, and whose it is. */
  readonly effect: string;
  readonly agent: string;
  readonly tool: string;
  readonly mode: ToolQuestion["mode"];
  /** What the tool's server says. It is nobody's word of ours. */
  readonly message: string;
  /** What a form asks for; empty for a page. */
  readonly fields: readonly QuestionField[];
  /** The page that shall be opened, as a browser reads its address, and whose it is. */
  readonly url?: string;
  readonly origin?: string;
  readonly warnings: readonly QuestionWarning[];
  readonly roles: readonly string[];
  readonly requesters: readonly string[];
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly labels: readonly string[];
  readonly binding: string;
}

/** One field of a form, for people. */
export interface QuestionField {
  /** What its value is sent under; exactly as the form has it. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly type: FormField["type"];
  readonly required: boolean;
  /** What may be chosen; absent where any value may be given. */
  readonly choices?: readonly { readonly value: string; readonly title: string }[];
  /** What its value has to keep to, as the form says it: `minimum`, `maxLength`, `format`, `pattern`, … */
  readonly bounds: Readonly<Record<string, string | number>>;
  /** What is sent where nothing is given. */
  readonly default?: string | number | boolean | readonly string[];
}

type About = Pick<RunRecord, "tenant" | "runId" | "supervisor" | "startedAt">;

/** Types of the entries that questions follow from. */
export const questionTypes: ReadonlySet<string> = new Set([
  "question.asked",
  "question.opened",
  "question.closed",
  ...endTypes,
]);

/** The questions that are open at the end of these entries, in the order in which they were asked. */
export function openQuestionsOf(entries: readonly Entry[], record: About): QuestionCase[] {
  const asked = new Map<string, EntryBodies["question.asked"]>();
  const open = new Map<string, QuestionCase>();
  for (const entry of entries) {
    switch (entry.type) {
      case "question.asked":
        asked.set(entry.body.question, entry.body);
        break;
      case "question.opened": {
        const question = asked.get(entry.body.question);
        if (question) open.set(entry.body.question, caseOf(entry, question, record));
        break;
      }
      case "question.closed":
        open.delete(entry.body.question);
        break;
      default:
        if (endStatusOf(entry.type)) open.clear();
    }
  }
  return [...open.values()];
}

function caseOf(
  { at, body }: Entry<"question.opened">,
  { asks, labels }: EntryBodies["question.asked"],
  { tenant, runId, supervisor, startedAt }: About,
): QuestionCase {
  const { question, effect, agent, tool, roles, requesters, expiresAt, binding } = body;
  const url = asks.mode === "url" ? URL.parse(asks.url) : null;
  return {
    address: addressOf(runId, question),
    tenant,
    run: runId,
    supervisor,
    startedAt,
    question,
    effect,
    agent,
    tool,
    mode: asks.mode,
    message: shownText(asks.message),
    fields: asks.mode === "form" ? fieldsOf(asks) : [],
    ...(url === null ? {} : { url: url.href, origin: url.origin }),
    warnings: warningsOf(asks),
    roles,
    requesters,
    askedAt: at,
    expiresAt,
    labels: labels[""] ?? [],
    binding,
  };
}

const boundNames = [
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "format",
  "pattern",
] as const;

function fieldsOf({ schema }: Extract<ToolQuestion, { mode: "form" }>): QuestionField[] {
  const { properties, required = [] } = schema;
  return Object.entries(properties).map(([name, field]) => {
    const given = field as Readonly<Partial<Record<(typeof boundNames)[number], string | number>>>;
    const choices = choicesOf(field);
    return {
      name,
      title: shownText(field.title ?? name),
      description: shownText(field.description ?? ""),
      type: field.type,
      required: required.includes(name),
      ...(choices ? { choices: choices.map(({ value, title }) => ({ value, title: shownText(title) })) } : {}),
      bounds: Object.fromEntries(
        boundNames.flatMap((bound) => {
          const value = given[bound];
          return value === undefined ? [] : [[bound, typeof value === "string" ? shownText(value) : value]];
        }),
      ),
      ...(field.default === undefined ? {} : { default: field.default }),
    };
  });
}
