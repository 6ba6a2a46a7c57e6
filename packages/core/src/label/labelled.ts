import type { LabelTable } from "../event.ts";

/** An answer whose parts carry labels of their own: what a memory keeps comes back with what it was kept with. */

const mark = Symbol("labelled");

interface Labelled {
  readonly [mark]: LabelTable;
  readonly value: unknown;
}

/**
 * What a tool returns in place of its output when parts of it have labels that the tool's definition cannot know.
 * @param labels JSON pointer → labels; they are added to the tool's own
 */
export function labelled<Output>(value: Output, labels: LabelTable): Output {
  return { [mark]: labels, value } as unknown as Output;
}

/** What a tool returned, without labels of its parts, and those; for whoever calls a tool outside of a run. */
export function saidOf(answer: unknown): { readonly value: unknown; readonly labels: LabelTable } {
  if (typeof answer !== "object" || answer === null || !(mark in answer)) return { value: answer, labels: {} };
  const { value, [mark]: labels } = answer as Labelled;
  return { value, labels };
}
