import { z } from "zod";
import { put } from "../../../src/world/table.ts";
import { reviewReasons } from "../review.ts";
import { crmTool, field, orgId, recordId, recordOf, refuse } from "./tool.ts";

const queueReview = crmTool({
  name: "queue_review",
  description: "Puts something before a person: what it is about, why, what to look at, and by when.",
  input: z.strictObject({
    orgId,
    recordId,
    reason: z.enum(reviewReasons),
    field: field.optional(),
    evidence: z
      .array(
        z
          .string()
          .max(40)
          .regex(/^[A-Za-z0-9_-]+$/),
      )
      .min(1)
      .max(20),
    deadline: z.iso.date(),
  }),
  effect: "write",
  run: (state, asked) => {
    const record = recordOf(state, asked);
    if (asked.deadline <= state.today) return refuse(`${asked.deadline} is no day that is still to come.`);
    const reviewId = `REV-${state.counters.review}`;
    state.counters = { ...state.counters, review: state.counters.review + 1 };
    const { reason, evidence, deadline } = asked;
    const about = { reviewId, recordId: record.recordId, reason, evidence: [...evidence], deadline };
    put(state.reviews, reviewId, asked.field === undefined ? about : { ...about, field: asked.field });
    return { reviewId, deadline };
  },
});

export const reviewTools = [queueReview];
