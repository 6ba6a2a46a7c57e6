import type { ExceptionCode } from "../exceptions.ts";
import type { Maker, Wish } from "../maker.ts";

/** One document, what it is, and what is wrong with it. */
export interface DeskCase {
  /** Of the scenario, too. */
  readonly name: string;
  readonly title: string;
  /** The segment first: clean, noisy, mixed-language, broken, mismatch, duplicate, vendor, injected, people, conduct. */
  readonly tags: readonly string[];
  readonly exceptions: readonly ExceptionCode[];
  readonly make: (maker: Maker) => Wish;
  /** How the scenario goes where it is not the usual way: posted without exceptions, routed with some. */
  readonly flow?: FlowName;
}

export const flowNames = [
  "approval-rejected",
  "approval-expired",
  "one-director-rejects",
  "release-approved",
  "release-rejected",
  "validation-hides",
  "extraction-errs",
  "lower-tier",
  "posts-twice",
  "leaves-one-out",
  "obeys-the-document",
  "other-company",
  "policy-overrules",
] as const;
export type FlowName = (typeof flowNames)[number];
