import type { LabelTable } from "../event/label-table.ts";
import type { Json } from "../json.ts";
import { isForeign } from "./label.ts";
import { eachScalar, isUnder, type Scalar, says } from "./value.ts";

/**
 * What a run has read so far, and from whom: what its values can be traced back to. Kept only where a team reads foreign
 * data at all.
 *
 * T1 What is no longer kept is nobody's word: values from there are taken as foreign.
 */
export interface Reading {
  /** Name of the tool; `the input` for what the run began with, `an answer` for what a person answered to a question. */
  readonly source: string;
  /** Path of the call, or of the question; empty for the input. */
  readonly path: string;
  readonly labels: LabelTable;
  /** Patterns of the parts that are trusted though the rest is not. */
  readonly trusts: readonly string[];
  readonly value: Json;
}

/** With a space, which no name of a tool or an agent has: nobody else can be taken for a person. */
export const inputSource = "the input";
export const answerSource = "an answer";

/** Where a value may have come from. */
export interface Source {
  readonly source: string;
  readonly path: string;
  readonly labels: readonly string[];
}

export function sourceOf({ source, path, labels }: Reading): Source {
  return { source, path, labels: labelsAt(labels, "") };
}

/** Bytes of JSON, about, that a run keeps of what it has read. */
export const readingBytesMax = 1024 * 1024;

/** True for a reading whose value at a pointer is somebody's whose word counts. */
export function isTrustedAt(reading: Reading, pointer: string, trusted: readonly string[]): boolean {
  if (reading.trusts.some((pattern) => isUnder(pointer, pattern))) return true;
  return !labelsAt(reading.labels, pointer).some((label) => isForeign(label, trusted));
}

/** Labels of a value: its own where the table has some for it, else those of what it is in. */
export function labelsAt(table: LabelTable, pointer: string): readonly string[] {
  let at = pointer;
  for (;;) {
    const found = table[at];
    if (found) return found;
    if (at === "") return [];
    at = at.slice(0, at.lastIndexOf("/"));
  }
}

/** True when it says the value anywhere: as a value of its own, or as a whole word of a text. */
export function saidBy({ value }: Reading, wanted: Scalar): boolean {
  return eachScalar(value, (one) => one === wanted || (typeof one === "string" && says(one, wanted)));
}
