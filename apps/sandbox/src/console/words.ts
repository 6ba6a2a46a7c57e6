import {
  type AnswerTaken,
  type DecisionTaken,
  findNonJson,
  type Issue,
  type Json,
  openQuestionsOf,
  parseAddress,
  parseWith,
  type QuestionField,
  type RevealedCase,
  type RunKey,
} from "@remit/core";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { type Acting, cancelRun, decideOn, redriveRun, replyTo, type Said } from "./acting.ts";
import type { ConsoleSource, RunGroup } from "./source.ts";
import { findGroup, findRunOf, openRunOf } from "./view/find.ts";

/**
 * What is said in the console, read from a form or from JSON alike. Each word goes the way that the command of the same
 * name goes; it is answered when it counts, and the run goes on meanwhile.
 */

const reason = z.string().trim().min(1, "say why; it is kept").max(2_000);
const address = z.string().min(3).max(1_000);
const key = z
  .string()
  .regex(/^[\w-]{1,100}$/)
  .optional();
const binding = z.string().min(1).max(200).optional();

export const wordSchemas = {
  decide: z.discriminatedUnion("decision", [
    z.object({ decision: z.enum(["approve", "reject"]), at: address, reason, key, binding }),
    z.object({ decision: z.literal("edit"), at: address, reason, key, binding, input: z.json() }),
  ]),
  check: z.object({ at: address, input: z.json() }),
  reveal: z.object({ at: address }),
  answer: z.object({
    at: address,
    action: z.enum(["accept", "decline", "cancel"]),
    content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).optional(),
    /** As a form of a page sends it: texts by the place of their field, of a choice its place. */
    fields: z.record(z.string(), z.array(z.string())).optional(),
    reason: z.string().max(2_000).default(""),
    key,
    binding,
  }),
  reply: z.object({ run: z.string().min(1).max(200), ask: z.string().min(1).max(500), answer: z.json(), key }),
  cancel: z.object({ reason, subtree: z.string().min(1).max(500).optional() }),
  redrive: z.object({}),
  dismiss: z.object({ reason }),
} as const;

export type Word = keyof typeof wordSchemas;
export type WordOf<Name extends Word> = z.output<(typeof wordSchemas)[Name]>;

/** @throws SandboxError `console/request-invalid` */
export function readWord<Name extends Word>(name: Name, given: unknown): WordOf<Name> {
  // Before anybody walks down into it.
  const wrong = findNonJson(given);
  if (wrong) throw new SandboxError("console/request-invalid", { reason: `a value of it is ${wrong.reason}` });
  const parsed = wordSchemas[name].safeParse(given);
  if (parsed.success) return parsed.data as WordOf<Name>;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
  throw new SandboxError("console/request-invalid", { reason: `${where}${issue?.message ?? "it has another form"}` });
}

export interface Words {
  readonly decide: (group: string, word: WordOf<"decide">) => Promise<DecisionTaken>;
  /** What of these arguments the tool would not take; empty: it takes them. */
  readonly check: (group: string, word: WordOf<"check">) => Promise<readonly Issue[]>;
  /** The case with its sealed values in the clear, as far as who looks is cleared for them; that is on record then. */
  readonly reveal: (group: string, word: WordOf<"reveal">) => Promise<RevealedCase>;
  readonly answer: (group: string, word: WordOf<"answer">) => Promise<AnswerTaken>;
  readonly reply: (group: string, word: WordOf<"reply">) => Promise<void>;
  readonly cancel: (group: string, run: string, word: WordOf<"cancel">) => Promise<void>;
  /** Resolves with the run that takes its place. */
  readonly redrive: (group: string, run: string) => Promise<string>;
  readonly dismiss: (group: string, run: string, word: WordOf<"dismiss">) => Promise<void>;
}

/** @param failed told of a run that could not go on after a word that counted */
export function wordsFor(
  source: ConsoleSource,
  newKey: () => string,
  failed: (run: string, thrown: unknown) => void,
): Words {
  const { principal } = source;

  /** Says something, and resolves when it counts; whoever said it need not wait for what the run makes of it. */
  const saying = <Taken>(group: RunGroup, run: string, say: (acting: Acting) => Promise<Said<Taken>>): Promise<Taken> =>
    new Promise<Taken>((resolve, reject) => {
      let counts = false;
      const act = async (acting: Acting) => {
        const { taken, went } = await say({ ...acting, refused: reject });
        counts = true;
        resolve(taken);
        await went;
      };
      source.acting(group, act).catch((thrown: unknown) => {
        if (counts) failed(run, thrown);
        else reject(thrown);
      });
    });

  const placed = async (groupId: string, at: string) => {
    const { run = "" } = parseAddress(at) ?? {};
    return findRunOf(source, groupId, run);
  };

  return {
    decide: async (groupId, word) => {
      const { group, record } = await placed(groupId, word.at);
      const { at, decision, reason, binding, key = newKey() } = word;
      const common = { reason, principal, key, ...(binding === undefined ? {} : { binding }) };
      const said = decision === "edit" ? { ...common, decision, input: word.input as Json } : { ...common, decision };
      const where = { tenant: group.tenant, run: record.runId, address: at };
      return saying(group, record.runId, (acting) => decideOn(acting, where, said));
    },
    check: async (groupId, { at, input }) => {
      const { group, record } = await placed(groupId, at);
      const supervisor = await source.supervisorOf(group, record);
      const open = await supervisor.approvals.show(group.tenant, at, { principal });
      const tool = supervisor.definition.tools.get(open.tool);
      if (!tool) throw new SandboxError("console/nothing-there", { what: `tool ${open.tool}` });
      const parsed = parseWith(tool.input, input);
      return parsed.ok ? [] : parsed.issues;
    },
    reveal: async (groupId, { at }) => {
      const { group, record } = await placed(groupId, at);
      const supervisor = await source.supervisorOf(group, record);
      return supervisor.approvals.reveal(group.tenant, at, { principal });
    },
    answer: async (groupId, { at, action, content, fields, reason, binding, key = newKey() }) => {
      const { group, record } = await placed(groupId, at);
      const filled =
        action === "accept" ? (content ?? (await contentOf(source, groupId, record, at, fields))) : undefined;
      return saying(group, record.runId, async ({ supervisor }) => {
        const taken = await supervisor.approvals.answer(group.tenant, at, {
          action,
          ...(filled === undefined ? {} : { content: filled }),
          reason,
          principal,
          key,
          ...(binding === undefined ? {} : { binding }),
        });
        const stays = { run: record.runId, status: record.status, reason: "", waiting: [], questions: [] };
        return { taken, went: Promise.resolve(stays) };
      });
    },
    reply: async (groupId, { run, ask, answer, key = newKey() }) => {
      const { group, record } = await findRunOf(source, groupId, run);
      const where = { tenant: group.tenant, run: record.runId, ask };
      await saying(group, run, (acting) => replyTo(acting, where, { answer: answer as Json, key, principal }));
    },
    cancel: async (groupId, run, { reason, subtree }) => {
      const { group, record } = await findRunOf(source, groupId, run);
      const where = { tenant: group.tenant, run: record.runId };
      await saying(group, run, (acting) => cancelRun(acting, where, { reason, subtree, principal }));
    },
    redrive: async (groupId, run) => {
      const { group, record } = await findRunOf(source, groupId, run);
      const where = { tenant: group.tenant, run: record.runId };
      return saying(group, run, (acting) => redriveRun(acting, where, { principal }));
    },
    dismiss: async (groupId, run, { reason }) => {
      const group = findGroup(source, groupId);
      await findRunOf(source, groupId, run);
      const supervisor = await source.supervisorOf(group);
      await supervisor.deadLetters.dismiss(group.tenant, run, { reason, principal });
    },
  };
}

/** A form's texts as its question wants them: numbers as numbers, a field that was left empty left out. */
async function contentOf(
  source: ConsoleSource,
  groupId: string,
  { runId: run, ...record }: RunKey & { readonly supervisor: string; readonly startedAt: number },
  at: string,
  fields: Readonly<Record<string, readonly string[]>> | undefined,
): Promise<WordOf<"answer">["content"]> {
  const { recorded } = await openRunOf(source, groupId, run);
  const open = openQuestionsOf(recorded.entries, { ...record, runId: run }).find((one) => one.address === at);
  // What is closed takes no answer, as the inbox says.
  if (open?.mode !== "form") return undefined;
  const values = open.fields.flatMap((field, index): [string, string | number | boolean | string[]][] => {
    const given = fields?.[String(index)] ?? [];
    const value = valueIn(field, given);
    return value === undefined ? [] : [[field.name, value]];
  });
  return Object.fromEntries(values);
}

function valueIn(
  { type, choices }: QuestionField,
  given: readonly string[],
): string | number | boolean | string[] | undefined {
  const chosen = (place: string) => choices?.[Number(place)]?.value;
  if (type === "array") return given.flatMap((place) => chosen(place) ?? []);
  const [text = ""] = given;
  if (text === "") return undefined;
  if (type === "boolean") return text === "true";
  if (choices) return chosen(text);
  if (type === "string") return text;
  const number = Number(text);
  // What is no number goes on as it was written: the form's own schema says what is wrong with it.
  return Number.isFinite(number) ? number : text;
}
