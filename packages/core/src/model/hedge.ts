import { addSpend, noSpend, wholeSpend } from "../budget/spend.ts";
import { OrchestrationError } from "../errors.ts";
import type { Cost, Spend, Usage } from "../event.ts";
import { assertBound } from "../limits.ts";
import type { Clock } from "../port/clock.ts";
import type { FailedCall, Model, ModelCallOptions, ModelRequest, ModelResponse } from "../port/model.ts";
import { quietController } from "../quiet-stop.ts";
import { defaultTimeoutMs, modelError, toldBy } from "./failure.ts";

export interface HedgeOptions {
  /** Milliseconds that the first model has before the second one is asked too. */
  readonly afterMs: number;
  readonly clock: Clock;
  /** `<first>|<second>` when absent. */
  readonly id?: string;
  /** Milliseconds that the one which is aborted has to say what it has cost; 50 when absent. */
  readonly graceMs?: number;
}

/**
 * Two models as one that is seldom slow: where the first has not answered in time, or has failed, the second is asked too.
 * The first good answer counts, and the other call is aborted.
 *
 * H1 Both are paid for: usage and cost are those of both calls. Of one that does not tell, its quote is what it has cost,
 *    as `reserved`, with its tokens as input; so the sum is never below what was spent (D12).
 * H2 It sees only what both may see, and may cost what both may cost together.
 * H3 For the gates it is one call: it has the provider that both have, or else stands behind a breaker and bounds of its
 *    own, and those of the two providers do not count it.
 * H4 What people see is never the beginning of the one answer when the other one counts: that is taken back.
 *
 * @throws OrchestrationError `limits/not-a-bound`
 */
export function hedge([first, second]: readonly [Model, Model], options: HedgeOptions): Model {
  const { afterMs, clock, graceMs = 50, id = `${first.id}|${second.id}` } = options;
  assertBound("afterMs of the hedge", afterMs);
  assertBound("graceMs of the hedge", graceMs, 0);
  const cleared = clearedForBoth(first.cleared ?? [], second.cleared ?? []);
  const revealed = revealedToBoth(first.reveals ?? [], second.reveals ?? []);
  const quotes = [first, second].every(({ cost, quote }) => cost === "zero" || quote);
  const generate = async (request: ModelRequest, { signal, onDelta }: ModelCallOptions): Promise<ModelResponse> => {
    signal.throwIfAborted();
    const asked: Asked[] = [];
    /** What people see of an answer on its way is that of one model: of the one that began first. */
    let speaker: Asked | undefined;
    const ask = (model: Model): Asked => {
      const one: Asked = askOne(model, request, clock, {
        signal,
        onDelta: (delta) => {
          speaker ??= one;
          if (speaker === one) onDelta?.(delta);
        },
      });
      asked.push(one);
      return one;
    };
    try {
      const one = ask(first);
      const early = await within(one.outcome, afterMs, clock);
      if (early && "response" in early) return { model: first.id, ...early.response };
      signal.throwIfAborted();
      const other = ask(second);
      const good = await firstGood(one, other);
      if (!good) {
        const last = await other.outcome;
        const cause = "thrown" in last ? last.thrown : undefined;
        const { code, data } = modelError(cause, second.id, clock.now());
        // One of its own: what is told on it is the cost of both, and the client's error stays as it is.
        const error = new OrchestrationError(code, data, { cause });
        throw Object.assign(error, spentOn(asked, request));
      }
      const loser = good.asked === one ? other : one;
      loser.stop();
      if (speaker === loser) onDelta?.({ type: "retracted" });
      speaker = good.asked;
      await within(loser.outcome, graceMs, clock);
      const { parts, model = good.asked.model.id } = good.response;
      return { parts, model, ...spentOn(asked, request) };
    } finally {
      for (const { stop } of asked) stop();
    }
  };
  return {
    id,
    cost: first.cost === "zero" && second.cost === "zero" ? "zero" : "paid",
    timeoutMs: Math.max(timeoutOf(first), afterMs + timeoutOf(second)) + graceMs,
    ...(first.provider !== undefined && first.provider === second.provider ? { provider: first.provider } : {}),
    ...(cleared.length > 0 ? { cleared } : {}),
    ...(revealed.length > 0 ? { reveals: revealed } : {}),
    settings: [first, second].map(({ id: name, provider = null, settings = null }) => ({ name, provider, settings })),
    ...(quotes
      ? { quote: (request: ModelRequest) => addSpend(quoteOf(first, request), quoteOf(second, request)) }
      : {}),
    generate,
  };
}

type Outcome = { readonly response: ModelResponse } | { readonly thrown: unknown };

interface Asked {
  readonly model: Model;
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** What is known of the outcome by now. */
  readonly known: () => Outcome | undefined;
  readonly stop: () => void;
}

/** One call, under its model's own timeout. */
function askOne(model: Model, request: ModelRequest, clock: Clock, options: ModelCallOptions): Asked {
  const own = quietController();
  const { signal: outer } = options;
  const abort = () => own.abort(outer.reason);
  outer.addEventListener("abort", abort, { once: true });
  const timeoutMs = timeoutOf(model);
  let known: Outcome | undefined;
  let timer: { readonly cancel: () => void } | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = clock.at(clock.now() + timeoutMs, () => {
      resolve({ thrown: new OrchestrationError("model/timeout", { model: model.id, timeoutMs }) });
      own.abort();
    });
  });
  const called = (async () => model.generate(request, { ...options, signal: own.signal }))().then(
    (response): Outcome => ({ response }),
    (thrown: unknown): Outcome => ({ thrown }),
  );
  const outcome = Promise.race([called, late]).then((one) => {
    known = one;
    timer?.cancel();
    outer.removeEventListener("abort", abort);
    return one;
  });
  return {
    model,
    outcome,
    known: () => known,
    stop: () => {
      timer?.cancel();
      outer.removeEventListener("abort", abort);
      own.abort();
    },
  };
}

/** What it comes to, or nothing when that takes longer. */
async function within<Value>(outcome: Promise<Value>, ms: number, clock: Clock): Promise<Value | undefined> {
  let timer: { readonly cancel: () => void } | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = clock.at(clock.now() + ms, () => resolve(undefined));
  });
  return Promise.race([outcome, late]).finally(() => timer?.cancel());
}

/** The first that has answered; nothing when both have failed. */
async function firstGood(...both: readonly Asked[]) {
  const answered = both.map(async (asked) => {
    const outcome = await asked.outcome;
    if ("response" in outcome) return { asked, response: outcome.response };
    throw outcome.thrown;
  });
  try {
    return await Promise.any(answered);
  } catch {
    return undefined; // Each has its own outcome, which is looked at by the caller.
  }
}

/** What all the calls have cost together (H1); a member is absent where nobody can say. */
function spentOn(asked: readonly Asked[], request: ModelRequest): FailedCall {
  const each = asked.map((one) => spentBy(one, request));
  const usage = each.map((one) => one.usage).reduce((sum, one) => sum && one && addUsage(sum, one));
  const cost = each.map((one) => one.cost).reduce((sum, one) => sum && one && addCost(sum, one));
  return { ...(usage ? { usage } : {}), ...(cost ? { cost } : {}) };
}

function spentBy({ model, known }: Asked, request: ModelRequest): FailedCall {
  const outcome = known();
  const told = outcome ? toldBy("response" in outcome ? outcome.response : outcome.thrown) : {};
  if (model.cost === "zero") {
    return { usage: { inputTokens: 0, outputTokens: 0 }, cost: { microUsd: 0, basis: "reported" }, ...told };
  }
  if (!model.quote || (told.usage && told.cost)) return told;
  try {
    const { microUsd, tokens } = wholeSpend("quote", model.quote(request));
    return { usage: { inputTokens: tokens, outputTokens: 0 }, cost: { microUsd, basis: "reserved" }, ...told };
  } catch {
    return told; // Nobody can say, which is no reason to lose an answer.
  }
}

function addUsage(one: Usage, other: Usage): Usage {
  const sum = (member: "cachedInputTokens" | "cacheWriteTokens" | "reasoningTokens") =>
    one[member] === undefined && other[member] === undefined
      ? {}
      : { [member]: (one[member] ?? 0) + (other[member] ?? 0) };
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    ...sum("cachedInputTokens"),
    ...sum("cacheWriteTokens"),
    ...sum("reasoningTokens"),
  };
}

/** As sure as the less sure of the two. */
function addCost(one: Cost, other: Cost): Cost {
  const [basis = "reserved"] = (["reserved", "estimated", "reported"] as const).filter((basis) =>
    [one.basis, other.basis].includes(basis),
  );
  return { microUsd: one.microUsd + other.microUsd, basis };
}

/** Asked only where both have one, or cost nothing. */
function quoteOf({ quote }: Model, request: ModelRequest): Spend {
  return quote?.(request) ?? noSpend;
}

function timeoutOf({ timeoutMs = defaultTimeoutMs }: Model): number {
  return timeoutMs;
}

/** `sensitive` stands for all labels. */
function clearedForBoth(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.includes("sensitive")) return other;
  if (other.includes("sensitive")) return one;
  return one.filter((label) => other.includes(label));
}

/** Classes of sealed data that both are shown. */
function revealedToBoth(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.includes("*")) return other;
  if (other.includes("*")) return one;
  return one.filter((dataClass) => other.includes(dataClass));
}
