import { type Clock, canonicalJson, type Json } from "@remit/core";
import { firstOf } from "./deadline.ts";
import { elicited, rooted, sampled } from "./elicited.ts";
import { notGood, type RequestStates, type StateBinding } from "./request-state.ts";
import type { WireElicitation, WireElicitationAnswer } from "./wire/port.ts";
import { rpcCodes, type ServedAsk, type ServedContext, ServedError } from "./wire/serving.ts";

/**
 * Questions to a client in the course of its call, in both eras of the protocol. In a session a question goes out as a
 * request, and the call waits. In 2026-07-28 the call is answered with `input_required`, and the client calls again with
 * what it was asked. For that, work comes in two forms:
 *
 *  - it waits where it asks (`elicit` …): the work is held here, in memory, until the client comes back, or for a while;
 *  - or it returns {@link InputRequired} and is done anew with `resumed`: nothing is held, and a restart costs nothing.
 *
 *  H1  Work that is held is known to nobody but its caller, and goes on only for the next round of its own call.
 *  H2  It is bounded: so many at once, so many of one caller, so long. What is given up is aborted.
 *  H3  A question to which no fitting answer came is asked again.
 */

/** Returned by work that needs something from its client and keeps nothing in memory meanwhile. */
export interface InputRequired {
  readonly kind: "input-required";
  readonly requests: { readonly [key: string]: ServedAsk };
  /** Given back as `resumed.state`. Signed, not encrypted: the client can read it. */
  readonly state: Json;
}

/** What work that returned {@link InputRequired} goes on with. */
export interface Resumed {
  readonly state: Json;
  /** By the keys of the requests. Unchecked, and some may be missing. */
  readonly responses: { readonly [key: string]: unknown };
}

export interface AskOptions {
  /** The question's key in `input_required`; counted up when absent. */
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** What a client can be asked, by what it says of itself. */
export interface Askable {
  readonly form: boolean;
  readonly url: boolean;
  readonly sample: boolean;
  readonly roots: boolean;
}

/** A call's way to ask its client. Each rejects with a ServedError `-32021` where the client declares no such thing. */
export interface ClientAsks {
  readonly can: Askable;
  readonly elicit: (ask: WireElicitation, options?: AskOptions) => Promise<WireElicitationAnswer>;
  readonly sample: (
    params: { readonly [key: string]: unknown },
    options?: AskOptions,
  ) => Promise<{ readonly [key: string]: unknown }>;
  readonly roots: (options?: AskOptions) => Promise<readonly { readonly uri: string; readonly name?: string }[]>;
}

/** What a round of a call brings to its work. */
export interface RoundContext extends ClientAsks {
  /** Aborts when the client cancels or goes away, or the work is given up. */
  readonly signal: AbortSignal;
  readonly resumed: Resumed | undefined;
  /** The request that is under way at this moment; another one in each round. */
  readonly current: () => ServedContext;
}

export type Result = { readonly [key: string]: unknown };
export type RoundWork = (context: RoundContext) => Promise<Result | InputRequired>;

export interface RoundLimits {
  /** Works held at once. */
  readonly held: number;
  readonly heldPerCaller: number;
  /** Milliseconds that a client may take for its answers. */
  readonly heldMs: number;
  /** Rounds of one call. */
  readonly rounds: number;
}

export interface Rounds {
  /**
   * Does one round of a call.
   * @throws ServedError what the client gets
   */
  readonly answer: (bound: StateBinding, context: ServedContext, work: RoundWork) => Promise<Result>;
  /** Gives up what is held. */
  readonly close: () => void;
}

type State = { readonly k: "own"; readonly r: number; readonly s: Json } | { readonly k: "held"; readonly h: string };

interface OpenAsk {
  readonly ask: ServedAsk;
  /** True where the answer fits; the one who asked has it then. */
  readonly answered: (answer: unknown) => boolean;
  readonly given: (reason: Error) => void;
}

interface Held {
  readonly id: string;
  readonly callerKey: string;
  readonly stop: AbortController;
  readonly open: Map<string, OpenAsk>;
  readonly outcome: Promise<Result | InputRequired>;
  current: ServedContext;
  rounds: number;
  asked: PromiseWithResolvers<void>;
  timer: { readonly cancel: () => void } | undefined;
}

export function createRounds(options: {
  readonly states: RequestStates;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly limits: RoundLimits;
}): Rounds {
  const { states, clock, newId, limits } = options;
  const held = new Map<string, Held>();

  const giveUp = (one: Held, reason: string): void => {
    held.delete(one.id);
    one.timer?.cancel();
    const error = new DOMException(reason, "AbortError");
    one.stop.abort(error);
    for (const { given } of one.open.values()) given(error);
    one.open.clear();
  };

  /** In a session: each question is a request, and the work waits. */
  const inSession = async (context: ServedContext, ask: NonNullable<ServedContext["ask"]>, work: RoundWork) => {
    const { signal } = context;
    const asks = clientAsks(context.peer, async (asked, fits, { signal: own } = {}) => {
      const either = firstOf(signal, own);
      let given: unknown;
      try {
        given = await ask(asked, either.signal);
      } finally {
        either.letGo();
      }
      const answer = fits(given);
      if (answer === undefined) throw new ServedError(rpcCodes.invalidParams, "The client's answer does not fit");
      return answer;
    });
    let resumed: Resumed | undefined;
    for (let round = 1; round <= limits.rounds; round++) {
      const outcome = await work({ ...asks, signal, resumed, current: () => context });
      if (!isInputRequired(outcome)) return outcome;
      const answers = Object.entries(outcome.requests).map(async ([key, request]) => {
        assertAskable(context.peer, request);
        return [key, await ask(request, signal)] as const;
      });
      resumed = { state: outcome.state, responses: Object.fromEntries(await Promise.all(answers)) };
    }
    throw tooManyRounds(limits.rounds);
  };

  const begin = (context: ServedContext, callerKey: string, resumed: Resumed | undefined, work: RoundWork): Held => {
    const stop = new AbortController();
    const open = new Map<string, OpenAsk>();
    let count = 0;
    /** Answers that came with the call itself, before anything was asked. */
    const early = resumed ? {} : (context.responses ?? {});
    const asks = clientAsks(context.peer, (asked, fits, { key, signal: own } = {}) => {
      count += 1;
      let name = key ?? `input_${count}`;
      while (open.has(name)) name = `${name}_${count}`;
      const known = Object.hasOwn(early, name) ? fits(early[name]) : undefined;
      if (known !== undefined) return Promise.resolve(known);
      for (const signal of [stop.signal, own]) if (signal?.aborted) return Promise.reject(signal.reason as Error);
      return new Promise((resolve, reject) => {
        const takeBack = () => {
          open.delete(name);
          reject(own?.reason as Error);
        };
        /** Answered or given up, it is not taken back any more: its key may be that of another question by then. */
        const over = () => own?.removeEventListener("abort", takeBack);
        own?.addEventListener("abort", takeBack, { once: true });
        open.set(name, {
          ask: asked,
          answered: (answer) => {
            const fitting = fits(answer);
            if (fitting === undefined) return false;
            over();
            resolve(fitting);
            return true;
          },
          given: (reason) => {
            over();
            reject(reason);
          },
        });
        one.asked.resolve();
      });
    });
    const one: Held = {
      id: newId(),
      callerKey,
      stop,
      open,
      // Begun one turn later, when `one` is there for it.
      outcome: Promise.resolve().then(() =>
        work({ ...asks, signal: stop.signal, resumed, current: () => one.current }),
      ),
      current: context,
      rounds: 0,
      asked: Promise.withResolvers(),
      timer: undefined,
    };
    one.outcome.catch(() => {}); // It may fail while nobody waits; whoever waits hears of it.
    return one;
  };

  /** Waits until the work is done or has asked all that it asks for now. */
  const next = async (one: Held, bound: StateBinding, context: ServedContext): Promise<Result> => {
    one.current = context;
    one.rounds += 1;
    if (one.rounds > limits.rounds) {
      giveUp(one, "it asked too often");
      throw tooManyRounds(limits.rounds);
    }
    const cancel = () => giveUp(one, "the client cancelled its call");
    if (context.signal.aborted) cancel();
    else context.signal.addEventListener("abort", cancel, { once: true });
    try {
      const outcome = await Promise.race([one.outcome, one.asked.promise.then(turn)]);
      if (outcome === undefined) {
        one.stop.signal.throwIfAborted(); // It was given up meanwhile, and does not heed that.
        return hold(one, bound);
      }
      held.delete(one.id);
      return isInputRequired(outcome) ? required(bound, context, outcome, one.rounds) : outcome;
    } finally {
      context.signal.removeEventListener("abort", cancel);
    }
  };

  const hold = (one: Held, bound: StateBinding): Result => {
    const own = [...held.values()].filter(({ callerKey }) => callerKey === one.callerKey).length;
    if (held.size >= limits.held || own >= limits.heldPerCaller) {
      giveUp(one, "too many calls wait for their clients");
      throw new ServedError(rpcCodes.internal, "Too many calls wait for their clients");
    }
    held.set(one.id, one);
    one.timer = clock.at(clock.now() + limits.heldMs, () => giveUp(one, "the client did not come back"));
    const asked = [...one.open].map(([key, { ask }]) => [key, ask] as const);
    const state: State = { k: "held", h: one.id };
    return inputRequired(Object.fromEntries(asked), states.seal(bound, state));
  };

  const required = (bound: StateBinding, { peer }: ServedContext, outcome: InputRequired, rounds: number): Result => {
    if (rounds >= limits.rounds) throw tooManyRounds(limits.rounds);
    for (const request of Object.values(outcome.requests)) assertAskable(peer, request);
    const state: State = { k: "own", r: rounds, s: outcome.state };
    return inputRequired(outcome.requests, states.seal(bound, state));
  };

  return {
    answer: async (bound, context, work) => {
      if (context.ask) return inSession(context, context.ask, work);
      const { callerKey } = bound;
      if (context.state === undefined) return next(begin(context, callerKey, undefined, work), bound, context);
      const state = states.open(bound, context.state) as State;
      const responses = context.responses ?? {};
      if (state.k === "own") {
        const one = begin(context, callerKey, { state: state.s, responses }, work);
        one.rounds = state.r;
        return next(one, bound, context);
      }
      const one = held.get(state.h);
      if (one?.callerKey !== callerKey) throw notGood(); // H1
      held.delete(one.id);
      one.timer?.cancel();
      one.asked = Promise.withResolvers();
      for (const [key, { answered }] of [...one.open]) {
        if (Object.hasOwn(responses, key) && answered(responses[key])) one.open.delete(key);
      }
      if (one.open.size > 0) one.asked.resolve(); // H3
      return next(one, bound, context);
    },
    close: () => {
      for (const one of [...held.values()]) giveUp(one, "the server is closing");
    },
  };
}

function isInputRequired(outcome: Result | InputRequired): outcome is InputRequired {
  return outcome.kind === "input-required";
}

function inputRequired(requests: { readonly [key: string]: ServedAsk }, requestState: string): Result {
  return { resultType: "input_required", inputRequests: requests, requestState };
}

function tooManyRounds(rounds: number): ServedError {
  return new ServedError(rpcCodes.internal, `The call asked its client more than ${rounds} times`);
}

/** Questions that are asked together go out together. */
function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

export function askableOf(capabilities: { readonly [name: string]: unknown }): Askable {
  const { elicitation, sampling, roots } = capabilities;
  const modes = typeof elicitation === "object" && elicitation !== null ? elicitation : undefined;
  const url = modes !== undefined && "url" in modes;
  return {
    // Before there were modes, forms were all there was.
    form: modes !== undefined && ("form" in modes || !url),
    url,
    sample: sampling !== undefined,
    roots: roots !== undefined,
  };
}

function assertAskable(peer: ServedContext["peer"], { method, params }: ServedAsk): void {
  const can = askableOf(peer.capabilities);
  const isUrl = params.mode === "url";
  const missing =
    method === "sampling/createMessage"
      ? !can.sample && { sampling: {} }
      : method === "roots/list"
        ? !can.roots && { roots: {} }
        : isUrl
          ? !can.url && { elicitation: { url: {} } }
          : !can.form && { elicitation: {} };
  if (!missing) return;
  const text = `The client has not declared ${Object.keys(missing).join()}, which this needs`;
  throw new ServedError(rpcCodes.missingCapability, text, { requiredCapabilities: missing });
}

type AskFor = <Answer>(
  ask: ServedAsk,
  fits: (answer: unknown) => Answer | undefined,
  options: AskOptions | undefined,
) => Promise<Answer>;

function clientAsks(peer: ServedContext["peer"], askFor: AskFor): ClientAsks {
  const checked: AskFor = async (ask, fits, options) => {
    assertAskable(peer, ask);
    return askFor(ask, fits, options);
  };
  return {
    can: askableOf(peer.capabilities),
    elicit: (ask, options) =>
      checked(elicitationOf(ask), (answer) => elicited(answer, ask.mode === "form" ? ask.schema : undefined), options),
    sample: (params, options) => checked({ method: "sampling/createMessage", params }, sampled, options),
    roots: (options) => checked({ method: "roots/list", params: {} }, rooted, options),
  };
}

/** A question to a person as the protocol says it. */
export function elicitationOf(ask: WireElicitation): ServedAsk {
  const params =
    ask.mode === "form"
      ? { message: ask.message, requestedSchema: ask.schema }
      : {
          mode: "url",
          message: ask.message,
          url: ask.url,
          ...(ask.elicitationId === undefined ? {} : { elicitationId: ask.elicitationId }),
        };
  return { method: "elicitation/create", params };
}

/** The arguments of a call as a state is bound to them. */
export function argumentsOf(value: unknown): Json {
  return JSON.parse(canonicalJson((value ?? {}) as Json)) as Json;
}
