import type { WireAskContext, WireAsks } from "./wire/port.ts";

/**
 * What a server may ask, with word of when it waits for an answer of ours: then it is not the server that is silent.
 * @param hold is told the `tag` of the call, where that is known, and gives what ends the waiting
 */
export function heldAsks(asks: WireAsks, hold: (tag: string | undefined) => () => void): WireAsks {
  const held = async <Value>({ tag }: WireAskContext, answer: () => Promise<Value>): Promise<Value> => {
    const release = hold(tag);
    try {
      return await answer();
    } finally {
      release();
    }
  };
  const { elicit, sample, roots } = asks;
  return {
    ...(elicit ? { elicit: (ask, context) => held(context, () => elicit(ask, context)) } : {}),
    ...(sample ? { sample: (params, context) => held(context, () => sample(params, context)) } : {}),
    ...(roots ? { roots: (context) => held(context, () => roots(context)) } : {}),
  };
}
