import type { ToolContext } from "@remit/core";
import type { WireAskContext, WireAsks, WireElicitation, WireElicitationAnswer, WireProgress } from "./wire/port.ts";

/** What a server asks, or tells, in the course of a call, and whose call it is. */
export interface Answering {
  readonly elicit?: (ask: WireElicitation, call: ToolContext, signal: AbortSignal) => Promise<WireElicitationAnswer>;
  /** The parameters of `sampling/createMessage` as they came; the result as it goes out. */
  readonly sample?: (
    params: unknown,
    call: ToolContext,
    signal: AbortSignal,
  ) => Promise<{ readonly [key: string]: unknown }>;
  readonly roots?: (
    call: ToolContext,
    signal: AbortSignal,
  ) => Promise<readonly { readonly uri: string; readonly name?: string }[]>;
  readonly progress?: (progress: WireProgress, call: ToolContext) => void;
}

/** The calls under way at one server, so that a question finds the call in whose course it is asked. */
export interface Answers {
  readonly asks: WireAsks;
  readonly progress: Answering["progress"];
  /** Runs a call under a tag of its own. */
  readonly during: <Value>(call: ToolContext, work: (tag: string) => Promise<Value>) => Promise<Value>;
  /** The calls under way. */
  readonly calls: () => readonly ToolContext[];
}

export function answersOf({ elicit, sample, roots, progress }: Answering): Answers {
  const underWay = new Map<string, ToolContext>();
  let count = 0;
  /**
   * A session on one pipe does not say which call a question belongs to. Where there is one call there is no doubt; with
   * several, nobody may be asked about what may be somebody else's.
   */
  const callOf = ({ tag }: WireAskContext): ToolContext => {
    const known = tag === undefined ? undefined : underWay.get(tag);
    const [only] = tag === undefined && underWay.size === 1 ? underWay.values() : [];
    const found = known ?? only;
    if (!found) throw new Error("nobody knows in the course of which call this is asked");
    return found;
  };
  return {
    asks: {
      ...(elicit ? { elicit: async (ask, context) => elicit(ask, callOf(context), context.signal) } : {}),
      ...(sample ? { sample: async (params, context) => sample(params, callOf(context), context.signal) } : {}),
      ...(roots ? { roots: async (context) => roots(callOf(context), context.signal) } : {}),
    },
    progress,
    during: async (call, work) => {
      count += 1;
      const tag = `call-${count}`;
      underWay.set(tag, call);
      try {
        return await work(tag);
      } finally {
        underWay.delete(tag);
      }
    },
    calls: () => [...underWay.values()],
  };
}
