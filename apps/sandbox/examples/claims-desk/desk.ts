import { defineAgent, defineHandoff, defineSupervisor, defineTool, ToolRefusal } from "@remit/core";
import { z } from "zod";

/** The claims desk of a small insurer, as an application has it: tools over its books, and a team over the tools. */

const claim = z.object({
  claimId: z.string(),
  policy: z.enum(["household", "bicycle"]),
  damageCents: z.int().nonnegative(),
  coveredCents: z.int().nonnegative(),
  paidCents: z.int().nonnegative(),
});
export type Claim = z.infer<typeof claim>;
/** Where claims are kept: in the application a file, in scenarios a map. */
export interface Books {
  readonly get: (claimId: string) => Claim | undefined;
  readonly set: (claimId: string, claim: Claim) => unknown;
}

export function openBooks(): Map<string, Claim> {
  return new Map(
    (
      [
        ["C-100", "household", 18_000, 500_000],
        ["C-200", "bicycle", 90_000, 60_000],
      ] as const
    ).map(([claimId, policy, damageCents, coveredCents]) => [
      claimId,
      { claimId, policy, damageCents, coveredCents, paidCents: 0 },
    ]),
  );
}

export function claimsDesk(books: Books) {
  const find = (claimId: string) => {
    const found = books.get(claimId);
    if (!found) throw new ToolRefusal(`there is no claim ${claimId}`);
    return found;
  };
  const getClaim = defineTool({
    name: "get_claim",
    description: "Reads one claim.",
    input: z.object({ claimId: z.string() }),
    output: claim,
    effect: "read",
    execute: ({ claimId }) => find(claimId),
  });
  const payClaim = defineTool({
    name: "pay_claim",
    description: "Pays on one claim.",
    input: z.object({ claimId: z.string(), amountCents: z.int().positive() }),
    output: z.object({ paymentId: z.string() }),
    effect: "write",
    risk: "high",
    idempotency: "key",
    version: "1",
    execute: ({ claimId, amountCents }) => {
      const found = find(claimId);
      if (found.paidCents + amountCents > found.coveredCents) throw new ToolRefusal("the policy does not cover that");
      const paidCents = found.paidCents + amountCents;
      books.set(claimId, { ...found, paidCents });
      return { paymentId: `P-${claimId}-${paidCents}` };
    },
  });
  const assess = defineAgent({
    name: "assess",
    description: "Reads a claim and says what is due.",
    model: "fast",
    tools: [getClaim],
    input: z.object({ text: z.string() }),
    output: z.object({ claimId: z.string(), dueCents: z.int().nonnegative(), why: z.string() }),
    instructions: "Find the claim and say what is due under its policy: the damage, at most what is covered.",
  });
  const pay = defineAgent({
    name: "pay",
    description: "Pays what is due.",
    model: "fast",
    tools: [payClaim],
    input: z.object({ claimId: z.string(), dueCents: z.int(), why: z.string() }),
    output: z.object({ reply: z.string() }),
    instructions: "Pay what is due, once, and tell the customer.",
  });
  return defineSupervisor({
    name: "claims-desk",
    agents: { assess, pay },
    entry: "assess",
    exit: "pay",
    handoffs: [defineHandoff({ from: assess, to: pay, map: (due) => due, version: "1" })],
    approvals: [{ tool: payClaim, by: "human", roles: ["staff"] }],
    version: "1",
  });
}
