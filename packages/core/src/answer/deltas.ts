import type { RunKey } from "../port/engine.ts";
import { Aloud } from "./aloud.ts";
import { assertDetectors, defaultDetectors, RedactionWindow, redactText, type TextDetector } from "./redaction.ts";

/**
 * What people see of an answer before its run is over. It is never journaled (D9): who was not there has not seen it, and
 * what counts is the entries.
 *
 * A3 An agent's words are shown when they have passed its contract. One that `streams` is shown as it speaks, through the
 *    redaction window and without thoughts that a server has left in it; what turns out not to stand is taken back.
 */
export interface AnswerDelta {
  readonly type: "answer.delta";
  /** The agent instance that speaks: `reviewer#1`. */
  readonly path: string;
  readonly agent: string;
  /** The model call that it is of: a retraction names it. */
  readonly command: string;
  readonly text: string;
}

/** All that was shown of this call does not stand: it failed, or what it said broke the contract. */
export interface AnswerRetracted {
  readonly type: "answer.retracted";
  readonly path: string;
  readonly agent: string;
  readonly command: string;
}

/** A voice on its way to whoever listens. */
export interface Voice {
  readonly say: (text: string) => void;
  /** What it has said does not stand. */
  readonly retract: () => void;
  /** It has said all. */
  readonly end: () => void;
}

export type Hear = (said: AnswerDelta | AnswerRetracted) => void;

/** Brings deltas from the model gateway to those who watch a run in this process. */
export interface Deltas {
  /** Nothing where nobody listens. */
  readonly voice: (key: RunKey, of: Omit<AnswerDelta, "type" | "text">) => Voice | undefined;
  readonly listen: (key: RunKey, hear: Hear) => () => void;
  /** The same for a text that is there as a whole. */
  readonly redact: (text: string) => string;
}

/** @throws OrchestrationError `answer/detector-invalid` */
export function answerDeltas(detectors: readonly TextDetector[] = defaultDetectors): Deltas {
  assertDetectors(detectors);
  const listeners = new Map<string, Set<Hear>>();
  const nameOf = ({ tenant, runId }: RunKey) => JSON.stringify([tenant, runId]);
  return {
    voice: (key, of) => {
      const name = nameOf(key);
      if (!listeners.has(name)) return undefined;
      let aloud = new Aloud();
      let window = new RedactionWindow(detectors);
      const tell = (said: AnswerDelta | AnswerRetracted) => {
        for (const hear of listeners.get(name) ?? []) hear(said);
      };
      const show = (text: string) => {
        if (text !== "") tell({ type: "answer.delta", ...of, text });
      };
      const takeBack = () => {
        window = new RedactionWindow(detectors);
        tell({ type: "answer.retracted", ...of });
      };
      return {
        say: (piece) => {
          const { text, takenBack } = aloud.push(piece);
          if (takenBack) takeBack();
          if (text !== "") show(window.push(text));
        },
        retract: () => {
          aloud = new Aloud();
          takeBack();
        },
        end: () => show(window.end(aloud.end())),
      };
    },
    redact: (text) => redactText(text, detectors),
    listen: (key, hear) => {
      const name = nameOf(key);
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known.add(hear));
      return () => {
        known.delete(hear);
        if (known.size === 0) listeners.delete(name);
      };
    },
  };
}
