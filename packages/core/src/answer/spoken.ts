import { type Entry, endStatusOf, type ResponsePart } from "../event.ts";
import type { AnswerDelta, AnswerRetracted, Hear } from "./deltas.ts";

/**
 * The entries of a run with what its agents say in between (A3).
 * @param entries aborted when nobody wants more of them, because the next one is asked for before it is wanted
 */
export async function* spoken(
  entries: (signal: AbortSignal) => AsyncIterable<Entry>,
  listen: (hear: Hear) => () => void,
  redact: (text: string) => string,
): AsyncGenerator<Entry | AnswerDelta | AnswerRetracted> {
  const queue: (AnswerDelta | AnswerRetracted)[] = [];
  let wake: (() => void) | undefined;
  const stop = listen((delta) => {
    queue.push(delta);
    wake?.();
  });
  /** Calls that were shown and may yet turn out not to stand, by their instance. */
  const shown = new Map<string, AnswerRetracted>();
  /** What an instance said last, where it was not shown. */
  const words = new Map<string, { readonly command: string; readonly text: string }>();
  const retract = function* (path: string): Generator<AnswerRetracted> {
    const open = shown.get(path);
    shown.delete(path);
    if (open) yield open;
  };
  /** Says what may be said now: words come behind the entry of their call, and before what became of it. */
  const say = function* (
    may: (said: AnswerDelta | AnswerRetracted) => boolean,
  ): Generator<AnswerDelta | AnswerRetracted> {
    // In place, so that what has to wait stays before what comes while somebody takes his time over a word.
    for (let at = 0; at < queue.length; ) {
      const delta = queue[at] as AnswerDelta | AnswerRetracted;
      if (!may(delta)) {
        at++;
        continue;
      }
      queue.splice(at, 1);
      const { path, agent, command } = delta;
      const isShown = shown.get(path)?.command === command;
      if (delta.type === "answer.retracted") {
        if (isShown) yield* retract(path);
        continue;
      }
      if (!isShown) yield* retract(path);
      shown.set(path, { type: "answer.retracted", path, agent, command });
      yield delta;
    }
  };
  const called = new Set<string>();
  const broken = new AbortController();
  const source = entries(broken.signal)[Symbol.asyncIterator]();
  try {
    let coming = source.next();
    for (;;) {
      yield* say(({ command }) => called.has(command));
      const heard = new Promise<undefined>((resolve) => {
        wake = () => resolve(undefined);
      });
      const next = await Promise.race([coming, heard]);
      if (!next) continue;
      if (next.done) return;
      coming = source.next();
      coming.catch(() => {});
      const entry = next.value;
      const { path } = entry;
      if (entry.type === "model.called") called.add(entry.body.command);
      if (entry.type === "model.responded" || entry.type === "model.failed") {
        const { command } = entry.body;
        yield* say((delta) => delta.command === command);
        called.delete(command);
      }
      switch (entry.type) {
        case "model.responded": {
          // Of a body that was erased nothing is left to show.
          const { command, parts = [] } = entry.body;
          if (shown.get(path)?.command !== command) words.set(path, { command, text: textOf(parts) });
          // Words beside calls are no answer: nothing can reject them any more.
          else if (parts.some(({ type }) => type === "toolCall")) shown.delete(path);
          break;
        }
        case "handoff.returned": {
          const said = words.get(path);
          if (!shown.delete(path) && said && said.text !== "") {
            const { agent } = entry.body;
            yield { type: "answer.delta", path, agent, command: said.command, text: redact(said.text) };
          }
          words.delete(path);
          break;
        }
        case "model.failed":
        case "output.rejected":
        case "agent.failed":
          yield* retract(path);
          words.delete(path);
          break;
        default:
          if (endStatusOf(entry.type)) for (const one of [...shown.keys()]) yield* retract(one);
      }
      yield entry;
    }
  } finally {
    stop();
    broken.abort();
    await source.return?.();
  }
}

/** What an answer reads like: its text, or its value. */
function textOf(parts: readonly ResponsePart[]): string {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  const output = parts.find((part) => part.type === "output");
  return text !== "" || !output ? text : JSON.stringify(output.value);
}
