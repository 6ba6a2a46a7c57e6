import type { AnswerDelta, AnswerRetracted } from "../answer/deltas.ts";
import { spoken } from "../answer/spoken.ts";
import { type ApprovalCase, openCasesOf } from "../approval/open-cases.ts";
import { OrchestrationError } from "../errors.ts";
import { type Entry, endStatusOf, type RunStatus } from "../event.ts";
import { canonicalJson, type Json } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { RunRecord } from "../port/journal.ts";
import { plainPrincipal } from "../principal.ts";
import { assertOptions, oneOf, optional, text } from "../wanted.ts";
import { isEnd, until } from "./awaited.ts";
import { durable } from "./durable.ts";
import { type EffectRecord, effectsOf } from "./effects.ts";
import { deliver, entries, type HandleParts, type Held, pinnedOf, record } from "./held.ts";
import { assertMayAnswer } from "./may-answer.ts";
import { asTold, ownQuestions, uncertainOf } from "./open-for-people.ts";
import { resultFor } from "./result.ts";
import type { EventsOptions, OpenQuestion, Run, RunResult, UncertainEffect } from "./run.ts";
import { assertKey } from "./run-id.ts";
import { readAnswer, readOutput } from "./said.ts";

export function runHandle<Output>(key: RunKey, parts: HandleParts): Run<Output> {
  return new RunHandle<Output>(key, parts);
}

/** Its methods stand on the prototype, so that a handle is as small as what it holds; taken off it, they go on to be its own. */
class RunHandle<Output> implements Run<Output> {
  static {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(RunHandle.prototype))) {
      if (name === "constructor" || typeof value !== "function") continue;
      Object.defineProperty(RunHandle.prototype, name, {
        get(this: object) {
          return value.bind(this);
        },
      });
    }
  }

  readonly id: string;
  readonly tenant: string;
  readonly #held: Held;

  constructor(key: RunKey, parts: HandleParts) {
    const { tenant, runId } = key;
    this.id = runId;
    this.tenant = tenant;
    this.#held = { key, stream: { tenant, kind: "run", id: runId }, parts };
  }

  result(): Promise<RunResult<Output>> {
    return resultFor<Output>(this.#held);
  }

  async status(): Promise<RunStatus> {
    return (await record(this.#held)).status;
  }

  async settled(): Promise<RunStatus> {
    const isSettled = ({ status, waits }: RunRecord) =>
      isEnd(status) || (status === "parked" && waits?.join() !== "timer");
    return (await until(this.#held, isSettled)).known.status;
  }

  entries(): Promise<readonly Entry[]> {
    return entries(this.#held);
  }

  events(options?: EventsOptions & { readonly deltas?: false }): AsyncIterable<Entry>;
  events(options: EventsOptions & { readonly deltas: true }): AsyncIterable<Entry | AnswerDelta | AnswerRetracted>;
  events(
    options: EventsOptions & { readonly deltas?: boolean } = {},
  ): AsyncIterable<Entry | AnswerDelta | AnswerRetracted> {
    const held = this.#held;
    if (!options.deltas) return durable(held, options);
    const { signal } = options;
    const { deltas } = held.parts;
    return spoken(
      (broken) => durable(held, { ...options, signal: signal ? AbortSignal.any([signal, broken]) : broken }),
      (hear) => deltas.listen(held.key, hear),
      deltas.redact,
    );
  }

  async questions({ revealed = false }: { readonly revealed?: boolean } = {}): Promise<readonly OpenQuestion[]> {
    const held = this.#held;
    const open = await ownQuestions(held, await entries(held));
    const asked = revealed ? await Promise.all(open.map((one) => asTold(held, one))) : open;
    return asked.map(({ ask, of, by, question }) => ({ ask, of, by, question }));
  }

  async approvals(): Promise<readonly ApprovalCase[]> {
    const held = this.#held;
    return openCasesOf(await entries(held), await record(held));
  }

  async effects(): Promise<readonly EffectRecord[]> {
    const held = this.#held;
    return effectsOf(await entries(held), held.parts.definition.tools);
  }

  async send(
    answer: Json,
    { key: sendKey, ask, principal }: NonNullable<Parameters<Run["send"]>[1]> = {},
  ): Promise<void> {
    const held = this.#held;
    const { key, parts } = held;
    const { principals, ids, isElsewhere, may } = parts;
    if (sendKey !== undefined) assertKey(sendKey);
    const all = await entries(held);
    if (all.length === 0) await record(held);
    const earlier = sendKey === undefined ? undefined : answeredBy(all, sendKey);
    if (earlier) return assertSameAsk(held, earlier, ask);
    assertNotEnded(held, all);
    const waiting = await ownQuestions(held, all);
    const question = ask === undefined ? waiting[0] : waiting.find((one) => one.ask === ask);
    if (!question)
      throw new OrchestrationError("run/not-waiting", { run: key.runId, ...(ask === undefined ? {} : { ask }) });
    const who = plainPrincipal(principal ?? principals.current());
    // Whose run it is, the run that was asked knows: a specialist's handle that is made here has asked it already.
    if (!isElsewhere) {
      assertMayAnswer({ run: key.runId, ask: question.ask, of: question.of, principal: who }, all[0], may);
    }
    if (question.run !== key.runId) {
      // It is the specialist's run that waits: the answer is said there.
      const there = runHandle({ tenant: key.tenant, runId: question.run }, { ...parts, isElsewhere: true });
      const said = there.send(answer, {
        ask: question.own,
        ...(sendKey === undefined ? {} : { key: sendKey }),
        principal: who,
      });
      // Where no question was named, a key that was used says that it is the same answer once more.
      return said.catch((thrown: unknown) => {
        if (ask !== undefined || !OrchestrationError.is(thrown, "run/key-used")) throw thrown;
      });
    }
    const plain = readAnswer(pinnedOf(held, await record(held)), isElsewhere ? [] : all, question, answer);
    const answerKey = sendKey ?? ids.id("answer");
    await deliver(held, {
      id: `answer:${answerKey}`,
      type: "input.received",
      path: "",
      body: {
        ask: question.ask,
        answer: plain,
        principal: who,
        labels: { "": [who.kind] },
        key: answerKey,
      },
    });
    // Somebody else may have answered, or ended the run, between our look and our word.
    const taken = answeredBy(await entries(held), answerKey);
    if (!taken) throw new OrchestrationError("run/not-waiting", { run: key.runId, ask: question.ask });
    assertSameAsk(held, taken, ask);
  }

  async cancel(reason: string, { principal, subtree }: NonNullable<Parameters<Run["cancel"]>[1]> = {}): Promise<void> {
    const held = this.#held;
    const { key, parts } = held;
    const { principals, may, ids } = parts;
    assertOptions("cancel", { reason, subtree }, { reason: text, subtree: optional(text) });
    may("operate", principal);
    const { status } = await record(held);
    if (isEnd(status)) {
      if (status === "cancelled") return;
      throw new OrchestrationError("run/already-ended", { run: key.runId, status });
    }
    await deliver(held, {
      id: `cancel:${ids.id("cancel")}`,
      type: "cancel.requested",
      path: "",
      body: {
        reason,
        principal: plainPrincipal(principal ?? principals.current()),
        ...(subtree === undefined ? {} : { subtree }),
      },
    });
    if (subtree === undefined) {
      // It may have ended between our look and our word.
      const { status: now } = await record(held);
      if (!isEnd(now) || now === "cancelled") return;
      throw new OrchestrationError("run/already-ended", { run: key.runId, status: now });
    }
    const taken = (await entries(held)).some(
      (entry) => entry.type === "cancel.requested" && entry.body.subtree === subtree,
    );
    if (!taken) throw new OrchestrationError("run/subtree-unknown", { run: key.runId, path: subtree });
  }

  async uncertain(): Promise<readonly UncertainEffect[]> {
    return uncertainOf(await entries(this.#held));
  }

  async settle(effect: string, decision: Parameters<Run["settle"]>[1]): Promise<void> {
    const held = this.#held;
    // A misspelt outcome would be the other one, and a write that happened would be made again.
    assertOptions("settle", decision, { outcome: oneOf("happened", "never"), reason: text });
    const { outcome, output, reason, principal } = decision;
    const { key, parts } = held;
    const { principals, may, ids, sealing } = parts;
    may("operate", principal);
    const pinned = pinnedOf(held, await record(held));
    const all = await entries(held);
    assertNotEnded(held, all);
    const waiting = uncertainOf(all).find((one) => one.effect === effect);
    if (!waiting) throw new OrchestrationError("run/not-waiting", { run: key.runId, effect });
    const read = output === undefined ? undefined : readOutput(pinned, waiting.tool, output);
    // Sealed here already, so that what is found in the journal can be known again.
    const told = read === undefined || !sealing ? read : await sealing.json(key, read, waiting.tool, "output");
    const body = {
      effect,
      outcome,
      reason: sealing ? await sealing.json(key, reason) : reason,
      principal: plainPrincipal(principal ?? principals.current()),
      ...(told === undefined ? {} : { output: told }),
    };
    await deliver(held, { id: `decision:${ids.id("decision")}`, type: "effect.decided", path: effect, body });
    // Somebody else may have decided between our look and our word.
    const last = (await entries(held)).findLast(
      (entry) => entry.type === "effect.decided" && entry.body.effect === effect,
    );
    if (canonicalJson(last?.body ?? null) !== canonicalJson(body)) {
      throw new OrchestrationError("run/not-waiting", { run: key.runId, effect });
    }
  }
}

/** The answer that was taken under a key. */
function answeredBy(all: readonly Entry[], key: string): Entry<"input.received"> | undefined {
  return all.find(
    (entry): entry is Entry<"input.received"> => entry.type === "input.received" && entry.body.key === key,
  );
}

/** The same key again is the same answer: what is said to another question under it would be lost. */
function assertSameAsk({ key }: Held, { body }: Entry<"input.received">, ask: string | undefined): void {
  if (ask === undefined || ask === body.ask) return;
  throw new OrchestrationError("run/key-used", { run: key.runId, key: body.key ?? "", answered: body.ask, ask });
}

function assertNotEnded({ key }: Held, all: readonly Entry[]): void {
  const status = endStatusOf(all.at(-1)?.type ?? "");
  if (status) throw new OrchestrationError("run/already-ended", { run: key.runId, status });
}
