import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Json, Model, ModelRequest } from "@remit/core";
import { type Books, type Claim, claimsDesk, openBooks } from "./desk.ts";

/** What the application and the `remit` command share: where things are, the desk, its models. Nothing is opened here. */

/** Where the application keeps its journal and its books. */
export const folder: string = process.env.CLAIMS_DATA ?? join(import.meta.dirname, "data");
export const journal: string = join(folder, "journal.db");

/** Books in a file, read at each look: whoever decides in another process pays from the same ones. */
function savedBooks(file: string): Books {
  const all = (): Record<string, Claim> =>
    existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : Object.fromEntries(openBooks());
  return {
    get: (claimId) => all()[claimId],
    set: (claimId, claim) => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ ...all(), [claimId]: claim }));
    },
  };
}

export const desk = claimsDesk(savedBooks(join(folder, "books.json")));

/** Stands in for a vendor's model, so that no key is needed: it answers by rule. */
const clerk: Model = {
  id: "rules:clerk",
  cost: "zero",
  generate: (request) => {
    const [result] = request.messages.flatMap((message) => (message.role === "tool" ? message.results : [])).slice(-1);
    if (!result) return { parts: [{ type: "toolCall", callId: "call_1", ...firstCall(request) }] };
    return {
      parts: [{ type: "output", value: answer(request, result.status === "done" ? result.output : undefined) }],
    };
  },
};
export const models = { fast: clerk };

function firstCall({ agent, input }: ModelRequest): { readonly tool: string; readonly input: Json } {
  if (agent === "pay") {
    const { claimId, dueCents } = input as { readonly claimId: string; readonly dueCents: number };
    return { tool: "pay_claim", input: { claimId, amountCents: dueCents } };
  }
  const claimId = /C-\d+/.exec((input as { readonly text: string }).text)?.[0];
  if (claimId === undefined) throw new Error("no claim is named");
  return { tool: "get_claim", input: { claimId } };
}

function answer({ agent }: ModelRequest, found: Json | undefined): Json {
  if (agent === "pay") return { reply: found ? "Your money is on its way." : "We have to look at your claim again." };
  const { claimId, damageCents, coveredCents } = found as Claim;
  return { claimId, dueCents: Math.min(damageCents, coveredCents), why: "the damage, at most what is covered" };
}
