import { definePolicy, type Json } from "@remit/core";
import { exceptions } from "./exceptions.ts";
import { euros, postingTools, type Tier, terms, tierOf } from "./terms.ts";

/** One short article of the rules for invoices. Tools and verdicts cite its id. */
export interface Article {
  readonly id: string;
  readonly text: string;
}

const more: readonly Article[] = [
  {
    id: "AP-APR-01",
    text: `An invoice without exceptions of up to ${euros(terms.smallMaxCents)} gross is posted when compliance allows it.`,
  },
  {
    id: "AP-APR-02",
    text: `One of up to ${euros(terms.middleMaxCents)} needs the approval of a manager of accounts payable.`,
  },
  { id: "AP-APR-03", text: "A larger one needs two directors of finance. Whoever asked for a posting approves none." },
  {
    id: "AP-PAY-01",
    text: "Money goes to the account in the vendor database, never to one that only a document names.",
  },
  {
    id: "AP-REL-01",
    text: "A controller may release a missing order, a missing approval and an old date, and nothing else.",
  },
];

/** All articles, ordered by id: one for each exception, and those on approvals. */
export const articles: readonly Article[] = [
  ...Object.values(exceptions).map(({ article, what, queue }) => ({
    id: article,
    text: `Where ${what}, an invoice is not posted; the case goes to ${queue}.`,
  })),
  ...more,
].sort((left, right) => (left.id < right.id ? -1 : 1));

export const tierArticles: Readonly<Record<Exclude<Tier, "none">, string>> = {
  small: "AP-APR-01",
  middle: "AP-APR-02",
  large: "AP-APR-03",
};

/** Label of what the books answer to a posting. */
export const postedLabel = "trusted:books";

interface Arguments {
  readonly documentId?: unknown;
  readonly companyId?: unknown;
  readonly amountEurCents?: unknown;
}

/**
 * What holds whatever the models say, asked where a call is proposed and again where it is made: a run works on its
 * own document, nobody works on those of a company that is not theirs, and no posting goes under a lower tier than its amount has.
 */
export const invoicePolicy = definePolicy({
  name: "invoice-desk",
  version: "1",
  rules: [
    { id: "work", on: ["handoff", "model"], effect: "allow", because: "the desk works together" },
    { id: "tools", on: "tool", effect: "allow", because: "each agent has its own tools" },
    {
      id: "said-by-the-books",
      on: "egress",
      effect: "allow",
      after: {
        tools: Object.values(postingTools),
        // What a person told of a posting has no number; which one it is, who answers need not say.
        when: ({ output: booked }, { output: said }) => {
          const [known, named] = [booked, said].map((one) => (one as { readonly postingId?: Json } | null)?.postingId);
          return known === undefined || named === undefined || known === named;
        },
      },
      because: "nothing is said to be posted that the books have not answered for",
    },
    {
      id: "own-company",
      on: "tool",
      effect: "deny",
      when: ({ arguments: given, principal }) => {
        const { companyId } = given as Arguments;
        return companyId !== undefined && !principal.roles.includes(`company:${String(companyId)}`);
      },
      because: "documents and books are those of the requester's own company",
    },
    {
      id: "own-document",
      on: "tool",
      effect: "deny",
      when: ({ arguments: given, attributes }) => {
        const { documentId } = given as Arguments;
        return documentId !== undefined && documentId !== attributes.documentId;
      },
      because: "a run works on the document that it was started for (attribute documentId)",
    },
    {
      id: "own-tier",
      on: "tool",
      tools: Object.values(postingTools),
      effect: "deny",
      when: ({ tool, arguments: given }) => {
        const { amountEurCents } = given as Arguments;
        return typeof amountEurCents !== "number" || postingTools[tierOf(amountEurCents)] !== tool;
      },
      because: "the amount needs another approval (AP-APR-01 to AP-APR-03)",
    },
  ],
});
