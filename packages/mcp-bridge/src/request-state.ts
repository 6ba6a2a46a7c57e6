import { createHmac, timingSafeEqual } from "node:crypto";
import { type Clock, canonicalJson, type Json, sha256 } from "@remit/core";
import { rpcCodes, ServedError } from "./wire/serving.ts";

/**
 * The state of a call that waits for its client (2026-07-28), as it travels there and back. It is signed, not encrypted:
 * a client can read it and cannot make or change one. What is in it:
 *
 *  Q1  It is good for the caller, the method, the tool and the arguments that it was made for, and for nobody and nothing else.
 *  Q2  It is good once, and for a while.
 *  Q3  Whatever is wrong with it, the client hears one sentence.
 */
export interface RequestStates {
  /** @param data what the call needs to go on; the client can read it */
  readonly seal: (bound: StateBinding, data: Json) => string;
  /**
   * The data of a state that came back. It is used up by that.
   * @throws ServedError `-32602` for a state that is not good here
   */
  readonly open: (bound: StateBinding, state: string) => Json;
}

/** What a state is bound to. */
export interface StateBinding {
  readonly callerKey: string;
  readonly method: string;
  /** Name of the tool or prompt, or URI of the resource. */
  readonly target: string;
  readonly arguments: Json;
}

interface Sealed {
  readonly b: string;
  readonly e: number;
  readonly n: string;
  readonly d: Json;
}

/** Used states that are kept to be told from new ones; beyond it the oldest are forgotten early. */
const usedMost = 100_000;
const stateCharsMax = 16_384;

export function requestStates(options: {
  /** 32 bytes or more; the same in every process that shall take up each other's calls. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Milliseconds for which a state is good. */
  readonly validMs: number;
}): RequestStates {
  const { secret, clock, newId, validMs } = options;
  const used = new Map<string, number>();
  const sign = (body: string) => createHmac("sha256", secret).update(`remit/request-state/1\n${body}`).digest();
  const forget = () => {
    for (const [nonce, until] of used) {
      if (until > clock.now() && used.size <= usedMost) return;
      used.delete(nonce);
    }
  };
  return {
    seal: (bound, data) => {
      const sealed: Sealed = { b: bindingOf(bound), e: clock.now() + validMs, n: newId(), d: data };
      const body = Buffer.from(JSON.stringify(sealed)).toString("base64url");
      return `${body}.${sign(body).toString("base64url")}`;
    },
    open: (bound, state) => {
      const [body = "", tag = "", ...more] = state.length > stateCharsMax ? [] : state.split(".");
      const given = Buffer.from(tag, "base64url");
      const right = sign(body);
      // Of two texts that decode to the same bytes only one is ours.
      const signed =
        more.length === 0 &&
        given.toString("base64url") === tag &&
        given.length === right.length &&
        timingSafeEqual(given, right);
      if (!signed) throw notGood();
      const sealed = JSON.parse(Buffer.from(body, "base64url").toString()) as Sealed;
      if (sealed.b !== bindingOf(bound) || sealed.e <= clock.now() || used.has(sealed.n)) throw notGood();
      forget();
      used.set(sealed.n, sealed.e);
      return sealed.d;
    },
  };
}

const reason = "invalid_request_state";

export function notGood(): ServedError {
  return new ServedError(rpcCodes.invalidParams, "Invalid or expired requestState", { reason });
}

export function isNotGood(thrown: unknown): boolean {
  return thrown instanceof ServedError && (thrown.data as { readonly reason?: unknown } | undefined)?.reason === reason;
}

function bindingOf({ callerKey, method, target, arguments: given }: StateBinding): string {
  return sha256(canonicalJson([callerKey, method, target, given])).slice(0, 43);
}
