import { defineAgent } from "@remit/core";
import { z } from "zod";
import { evidence } from "./evidence.ts";

export const actionInput = z.object({
  request: z.string().min(1).max(20_000),
  evidence,
  /** Conditions that compliance set. */
  conditions: z.array(z.string().max(1_000)).max(20).default([]),
});

export const actionOutput = z.object({
  /** What was carried out, a line each. */
  done: z.array(z.string().max(1_000)).max(50),
  /** What was not, and why. */
  notDone: z.array(z.string().max(1_000)).max(50),
  /** `lookup`: more must be known before the rest can be done; `review`: this is all. */
  next: z.enum(["review", "lookup"]),
  /** What must be looked up. */
  wanted: z.string().max(4_000).default(""),
  /** The matter goes to a person. */
  handedOver: z.boolean().default(false),
});

/** Carries out changes. The only role that can hold tools that write. */
export const action = defineAgent({
  name: "action",
  description: "Carries out the changes that were cleared, after the customer has confirmed them.",
  model: "careful",
  tools: [],
  asks: ["customer"],
  input: actionInput,
  output: actionOutput,
  instructions: `You carry out the change that the request asks for, and nothing else.
- Use only ids and amounts from the evidence and the request. Never guess one.
- Before the first change, put one question to the customer that lists what you are about to do, and go on only after a clear yes. After a no, change nothing.
- Call each tool once per change. If a tool refuses, do not try to get around it: note it under notDone.
- Keep the conditions that compliance set.
- If you need to know more, return next "lookup" and say what in wanted.
- If the matter needs a person, hand it over with your tool for that, if you have one, and set handedOver.`,
});
