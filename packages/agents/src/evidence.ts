import { z } from "zod";

/** One passage that an answer may rest on, with where it comes from. */
export const passage = z.object({
  /** Id of the source in its own system: an article, an order, a record. */
  sourceId: z.string().min(1).max(200),
  text: z.string().max(20_000),
});

/** What retrieval hands on: nothing is known that has no source. */
export const evidence = z.object({
  passages: z.array(passage).max(100),
  /** What the passages say about the request, in a sentence or two. */
  summary: z.string().max(4_000),
  /** What was looked for and not found. */
  missing: z.array(z.string().max(500)).max(20),
});
export type Evidence = z.output<typeof evidence>;

export const severity = z.enum(["low", "medium", "high", "critical"]);
export type Severity = z.output<typeof severity>;

/** How careful the content of a request makes everybody who reads it. */
export const sensitivity = z.enum(["none", "personal", "financial", "restricted"]);

/** What a person gets who has to decide or take over: enough to do it without reading the run. */
export const reviewPacket = z.object({
  what: z.string().min(1).max(2_000),
  why: z.string().max(2_000),
  /** Source ids from the evidence. */
  evidence: z.array(z.string().max(200)).max(100),
  /** What would change, a line each. */
  diff: z.array(z.string().max(500)).max(50),
  risk: severity,
  /** ISO 8601, where the matter has one. */
  deadline: z.iso.datetime().optional(),
});
export type ReviewPacket = z.output<typeof reviewPacket>;
