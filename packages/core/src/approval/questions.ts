import { readToolAnswer } from "../elicit/answer.ts";
import type { FormContent, ToolAnswer } from "../elicit/question.ts";
import { errorFrom, OrchestrationError } from "../errors.ts";
import type { Entry, InputBodies } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import { canonicalJson, type Json } from "../json.ts";
import type { RunRecord } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { regularly } from "../regularly.ts";
import { answerRefusal } from "./decide.ts";
import { leaveAnswer } from "./left.ts";
import { parseAddress } from "./open-cases.ts";
import { openQuestionsOf, type QuestionCase, questionTypes } from "./open-questions.ts";
import { pagesOf } from "./page.ts";
import { isServed } from "./served.ts";
import type { ApprovalFilter, ApprovalServiceOptions, DecisionSignature } from "./service.ts";
import { type DecisionFacts, factsOf } from "./signature.ts";

/**
 * The part of the inbox for questions of tools under way. As for approvals, what is open follows from the runs' journals,
 * and whether an answer counts the core says.
 */
export interface ToolQuestions {
  /** Questions that wait, those of the newest run first, of one run in the order in which they were asked. */
  readonly questions: (filter: ApprovalFilter) => Promise<readonly QuestionCase[]>;
  /** @throws OrchestrationError `question/unknown` */
  readonly question: (
    tenant: string,
    address: string,
    as?: { readonly principal?: Principal },
  ) => Promise<QuestionCase>;
  /**
   * Answers a tool's question. Resolves when that is durable and counts; the tool is told then. Where the call is under
   * way in another process the answer is left for that one; when it has not been taken within ten seconds the outcome is
   * `left`: it is durable, and counts when the call is there to hear it.
   * @throws OrchestrationError `question/unknown`, `question/expired`, `question/already-answered`,
   *   `question/answer-invalid`; as for approvals `approval/binding-mismatch` (also for a key that another answer of the run
   *   has), `approval/self-approval`, `approval/role-missing`, `approval/signature-invalid`; `journal/conflict`
   */
  readonly answer: (tenant: string, address: string, answer: QuestionAnswer) => Promise<AnswerTaken>;
}

/** A person's answer to a tool's question. */
export interface QuestionAnswer {
  readonly action: ToolAnswer["action"];
  /** What the form asks for, by field; with `accept` only. */
  readonly content?: FormContent;
  readonly reason?: string;
  /** Who answers; whoever acts now when absent. */
  readonly principal?: Principal;
  /** The same key twice, in one run, is one answer; a new one when absent. */
  readonly key?: string;
  /** Binding of the question that the person saw; that of the question as it is now when absent. */
  readonly binding?: string;
  /** With `key`: what the person signed. */
  readonly signature?: DecisionSignature;
  /** Signs the answer, where no signature is given. */
  readonly sign?: (facts: DecisionFacts) => DecisionSignature | Promise<DecisionSignature>;
}

/** An answer that counts. */
export interface AnswerTaken {
  readonly address: string;
  readonly key: string;
  readonly outcome: "answered" | "left";
}

/** How long an answer for another process is waited for. */
const heardWithinMs = 10_000;

/** Makes that part over the same journal. */
export function questionService(options: ApprovalServiceOptions): ToolQuestions {
  const { journal, clock, ids, principals, deliver, isElsewhere, registry, may } = options;
  const seal = options.seal ?? (async (_run, value) => value);

  const entriesOf = ({ tenant, runId }: RunRecord, fromSeq?: number, only?: ReadonlySet<string>) =>
    openRun(journal, tenant, runId, fromSeq, only);

  const recordAt = async (tenant: string, address: string) => {
    const place = parseAddress(address);
    const record = place && (await journal.findRun(tenant, place.run));
    if (!record || !isServed(options, record)) throw unknownQuestion(address);
    return record;
  };

  /** Waits a while until the process that makes the call has taken the answer, or closed the question otherwise. */
  const isHeard = async (record: RunRecord, fromSeq: number, { question, key }: Said & { readonly key: string }) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = async () => {
      const entries = await entriesOf(record, fromSeq);
      const isOver = entries.some(({ type, body }) => {
        return type === "question.closed" && (body as { readonly question: string }).question === question;
      });
      if (answeredBy(entries, key) || isOver) resolve(true);
    };
    // A journal that is away for a moment is asked again.
    const looking = regularly(clock, () => void look().catch(() => {}));
    const giveUp = clock.at(clock.now() + heardWithinMs, () => resolve(false));
    try {
      return await promise;
    } finally {
      looking.cancel();
      giveUp.cancel();
    }
  };

  return {
    questions: async ({ principal, ...filter }) => {
      may?.("see", principal);
      return pagesOf(options, filter, async (record) =>
        openQuestionsOf(await entriesOf(record, 1, questionTypes), record),
      );
    },
    question: async (tenant, address, as) => {
      may?.("see", as?.principal);
      const record = await recordAt(tenant, address);
      return questionAt(address, await entriesOf(record), record);
    },
    answer: async (tenant, address, given) => {
      const record = await recordAt(tenant, address);
      const entries = await entriesOf(record);
      const key = given.key ?? ids.id("answer");
      const principal = plainPrincipal(given.principal ?? principals.current());
      may?.("approve", principal);
      const { question } = placeOf(address);
      const { action, content } = given;
      const said = (content === undefined ? { action } : { action, content }) as ToolAnswer;
      const answer = (await seal(record, said as unknown as Json)) as unknown as ToolAnswer;
      const earlier = answeredBy(entries, key);
      if (earlier) {
        // A second delivery of what was said before gets the answer that the first one got.
        if (isSame(earlier.body, { question, answer, principal })) return takenOf(entries, earlier, address);
        throw new OrchestrationError("approval/binding-mismatch", { effect: question, key });
      }
      const open = questionAt(address, entries, record);
      const asks = askedOf(entries, question);
      const unsigned: InputBodies["question.answered"] = {
        question,
        binding: given.binding ?? open.binding,
        answer,
        reason: await seal(record, given.reason ?? ""),
        // Only a signature that was checked shows here who somebody is.
        principal: { ...principal, authenticated: registry !== undefined },
        key,
      };
      const refusal = answerRefusal(open, unsigned, clock.now());
      if (refusal) throw refusal;
      const read = readToolAnswer(asks, answer);
      if (!read.ok) {
        throw new OrchestrationError("question/answer-invalid", { question, issues: read.issues as unknown as Json });
      }
      const signature = given.signature ?? (await given.sign?.(answerFacts(unsigned, tenant, open.run)));
      const body = signature === undefined ? unsigned : { ...unsigned, signature };
      const unproven = registry?.check(asDecision(body), tenant, open.run);
      if (unproven) throw unproven;

      if (isElsewhere(record)) {
        await leaveAnswer(record, body, { journal, now: () => clock.now(), salt: ids.salt });
        if (!(await isHeard(record, entries.length + 1, body))) return { address, key, outcome: "left" };
      } else await deliver(record, { id: `question:${key}`, type: "question.answered", path: open.effect, body });
      // Somebody else may have answered, or the call may have ended, between our look and our word.
      const now = await entriesOf(record, entries.length + 1);
      const taken = answeredBy(now, key);
      if (!taken || !isSame(taken.body, body)) throw goneOf(address, now);
      return takenOf(now, taken, address);
    },
  };
}

/** What the signature of an answer says: a decision whose `input` is the answer. */
export function answerFacts(body: InputBodies["question.answered"], tenant: string, run: string): DecisionFacts {
  return factsOf(asDecision(body), tenant, run);
}

function asDecision(body: InputBodies["question.answered"]): InputBodies["approval.decided"] {
  const { question, answer, ...rest } = body;
  return {
    ...rest,
    effect: question,
    decision: answer.action === "accept" ? "approve" : "reject",
    input: answer as unknown as Json,
  };
}

function placeOf(address: string): { readonly run: string; readonly question: string } {
  const { run, effect } = parseAddress(address) ?? { run: "", effect: address };
  return { run, question: effect };
}

function unknownQuestion(address: string): OrchestrationError {
  return new OrchestrationError("question/unknown", placeOf(address));
}

/** Why a question is not open any more, as far as the run's entries tell. */
function goneOf(address: string, entries: readonly Entry[]): OrchestrationError {
  const { run, question } = placeOf(address);
  const last = entries.findLast((entry): entry is Entry<"question.closed"> => {
    return entry.type === "question.closed" && entry.body.question === question;
  });
  switch (last?.body.outcome) {
    case "answered":
    case "recalled":
      return new OrchestrationError("question/already-answered", { question, run, by: last.body.by });
    case "expired":
      return new OrchestrationError("question/expired", { question });
    default:
      return unknownQuestion(address);
  }
}

function questionAt(address: string, entries: readonly Entry[], record: RunRecord): QuestionCase {
  const found = openQuestionsOf(entries, record).find((one) => one.address === address);
  if (!found) throw goneOf(address, entries);
  return found;
}

function askedOf(entries: readonly Entry[], question: string): InputBodies["question.asked"]["asks"] {
  const asked = entries.findLast((entry): entry is Entry<"question.asked"> => {
    return entry.type === "question.asked" && entry.body.question === question;
  });
  if (!asked) throw new OrchestrationError("run/internal", { reason: `${question} is open and was not asked` });
  return asked.body.asks;
}

function answeredBy(entries: readonly Entry[], key: string): Entry<"question.answered"> | undefined {
  return entries.find((entry): entry is Entry<"question.answered"> => {
    return entry.type === "question.answered" && entry.body.key === key;
  });
}

type Said = Pick<InputBodies["question.answered"], "question" | "answer" | "principal">;

/** True for the same word of the same person; they may have given another reason the second time. */
function isSame(one: Said, other: Said): boolean {
  const wordOf = ({ question, answer, principal }: Said) => canonicalJson([question, answer, principal.id]);
  return wordOf(one) === wordOf(other);
}

/** What the core made of an answer. @throws the error for which it does not count */
function takenOf(entries: readonly Entry[], { seq, body }: Entry<"question.answered">, address: string): AnswerTaken {
  for (const entry of entries) {
    if (entry.cause !== seq) continue;
    if (entry.type === "question.refused") throw errorFrom(entry.body.error);
    if (entry.type === "question.closed" && entry.body.outcome === "answered") {
      return { address, key: body.key, outcome: "answered" };
    }
  }
  throw goneOf(address, entries);
}
