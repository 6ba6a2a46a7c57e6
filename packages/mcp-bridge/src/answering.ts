import type { ToolContext } from "@remit/core";
import type {
  WireAskable,
  WireAskContext,
  WireAsks,
  WireElicitation,
  WireElicitationAnswer,
  WireProgress,
} from "./wire/port.ts";

/** What is under way when a server asks something: a call of a tool, or another request in somebody's name. */
export type AskingCall = Pick<ToolContext, "attributes" | "elicit">;

export type AnsweringContext = Pick<WireAskContext, "signal" | "key">;

/** What a server asks, or tells, in the course of a request, and whose request it is. */
export interface Answering {
  readonly elicit?: (
    ask: WireElicitation,
    call: AskingCall,
    context: AnsweringContext,
  ) => Promise<WireElicitationAnswer>;
  /** The parameters of `sampling/createMessage` as they came; the result as it goes out. */
  readonly sample?: (
    params: unknown,
    call: AskingCall,
    context: AnsweringContext,
  ) => Promise<{ readonly [key: string]: unknown }>;
  readonly roots?: (
    call: AskingCall,
    context: AnsweringContext,
  ) => Promise<readonly { readonly uri: string; readonly name?: string }[]>;
  readonly progress?: (progress: WireProgress, call: AskingCall) => void;
  /** What can be asked in the course of this call; all that is here when absent. */
  readonly can?: (call: AskingCall) => WireAskable | undefined;
}

/** What a request says of the questions in its course. */
export interface Asking {
  readonly tag: string;
  readonly can: WireAskable | undefined;
  readonly onProgress: ((progress: WireProgress) => void) | undefined;
}

/** The requests under way at one server, so that a question finds the one in whose course it is asked. */
export interface Answers {
  readonly asks: WireAsks;
  /** A request is made, under a tag of its own. `end` must be called when it is over. */
  readonly begin: (call: AskingCall) => Asking;
  readonly end: (asking: Asking) => void;
  /** What is under way. */
  readonly calls: () => readonly AskingCall[];
}

export function answersOf({ elicit, sample, roots, progress, can }: Answering): Answers {
  const underWay = new Map<string, AskingCall>();
  let count = 0;
  /**
   * A session on one pipe does not say which call a question belongs to. Where there is one call there is no doubt; with
   * several, nobody may be asked about what may be somebody else's.
   */
  const callOf = ({ tag }: WireAskContext): AskingCall => {
    const known = tag === undefined ? undefined : underWay.get(tag);
    const [only] = tag === undefined && underWay.size === 1 ? underWay.values() : [];
    const found = known ?? only;
    if (!found) throw new Error("nobody knows in the course of which call this is asked");
    return found;
  };
  return {
    asks: {
      ...(elicit ? { elicit: async (ask, context) => elicit(ask, callOf(context), context) } : {}),
      ...(sample ? { sample: async (params, context) => sample(params, callOf(context), context) } : {}),
      ...(roots ? { roots: async (context) => roots(callOf(context), context) } : {}),
    },
    begin: (call) => {
      count += 1;
      const tag = `call-${count}`;
      const asking = {
        tag,
        can: can?.(call),
        onProgress: progress && ((value: WireProgress) => progress(value, call)),
      };
      underWay.set(tag, call);
      return asking;
    },
    end: ({ tag }) => void underWay.delete(tag),
    calls: () => [...underWay.values()],
  };
}
