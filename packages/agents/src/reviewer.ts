import { defineAgent } from "@remit/core";
import { z } from "zod";
import { evidence, reviewPacket, severity } from "./evidence.ts";

export const reviewerInput = z.object({
  request: z.string().min(1).max(20_000),
  language: z.string().min(2).max(35),
  severity,
  evidence,
  done: z.array(z.string().max(1_000)).max(50).default([]),
  notDone: z.array(z.string().max(1_000)).max(50).default([]),
  /** Set when somebody before decided that a person takes over. */
  handOver: z.object({ reason: z.string().max(200), details: z.array(z.string().max(1_000)).max(20) }).optional(),
});

export const reviewerOutput = z.object({
  /** `answered`: the matter is closed; `refused`: the desk says no; `handed_over`: a person takes over. */
  disposition: z.enum(["answered", "refused", "handed_over"]),
  /** What the customer reads, in their language. */
  reply: z.string().min(1).max(10_000),
  /** For the person who takes over; required with `handed_over`. */
  packet: reviewPacket.optional(),
});

/** Writes the final answer, and the packet from which a person can decide. Has no tools. */
export const reviewer = defineAgent({
  name: "reviewer",
  description: "Writes the final reply, or the packet for the person who takes over.",
  model: "careful",
  effects: "read",
  tools: [],
  input: reviewerInput,
  output: reviewerOutput,
  instructions: `You close a matter. You have no tools.
- reply: say in the customer's language what was done, what was not and why, and what they asked to know. State only what the evidence and the lists of done and notDone say.
- disposition: "answered" if the matter is closed, "refused" if the desk does not do what was asked, "handed_over" if a person takes over (always when handOver is set).
- packet: for "handed_over": what has to be decided, why it came to a person, the source ids, what would change, the risk and, if there is one, the deadline. Somebody must be able to decide from it alone.`,
});
