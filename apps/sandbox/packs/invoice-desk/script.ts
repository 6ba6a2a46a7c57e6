import type { Json, ResponsePart } from "@remit/core";
import type { Turn } from "@remit/core/testing";
import { add, decimal, decimalText } from "../../src/einvoice/decimal.ts";
import { currencyDigits } from "../../src/einvoice/invoice.ts";
import { type ExceptionCode, exceptions, queueOf, sorted } from "./exceptions.ts";
import { type ExtractedValues, type FieldName, fieldsIn } from "./extracted.ts";
import type { Truth } from "./maker.ts";
import { articles, tierArticles } from "./policy.ts";
import type { Posting } from "./state.ts";
import { postingTools } from "./terms.ts";

/** What the agents of the desk say about one document when they do right, and what the books then hold. */
export class Script {
  readonly truth: Truth;
  readonly ids: { readonly companyId: string; readonly documentId: string };
  readonly fields: ExtractedValues;
  readonly today: string;

  constructor(truth: Truth, today: string) {
    this.truth = truth;
    this.ids = { companyId: truth.companyId, documentId: truth.documentId };
    this.fields = truth.invoice ? fieldsIn(truth.invoice) : {};
    this.today = today;
  }

  /** The tool that its tier has. */
  get tool(): string {
    return postingTools[this.truth.tier === "none" ? "small" : this.truth.tier];
  }

  get payable(): string {
    const { invoice } = this.truth;
    return invoice ? decimalText(invoice.totals.payable, currencyDigits(invoice.currency)) : "0";
  }

  read(): Turn {
    return calls("extraction", "read_invoice", this.ids);
  }

  /** @param wrong fields that are taken out wrongly */
  extracts(wrong: ExtractedValues = {}): Turn {
    const { invoice, problem = "none", places, unsure } = this.truth;
    if (!invoice) return says("extraction", { problem });
    const fields = Object.entries({ ...this.fields, ...wrong }).map(([name, value]) => {
      const { page, line = 0 } = places[name] ?? {};
      const confidence = unsure.includes(name as FieldName) ? 0.5 : 1;
      return [name, { value, ...(page === undefined ? {} : { page }), line, confidence }];
    });
    return says("extraction", { problem: "none", fields: Object.fromEntries(fields) });
  }

  check(wrong: ExtractedValues = {}): Turn {
    const sure = Object.entries({ ...this.fields, ...wrong }).filter(
      ([name]) => !this.truth.unsure.includes(name as FieldName),
    );
    return calls("validation", "check_invoice", { ...this.ids, fields: Object.fromEntries(sure) });
  }

  /** The answer of validation, with these exceptions. */
  judges(found: readonly ExceptionCode[] = this.truth.exceptions): Turn {
    const { vendorId, orderId, amountEurCents, tier, invoice } = this.truth;
    return says("validation", {
      exceptions: [...sorted(found)],
      ...(vendorId === undefined ? {} : { vendorId }),
      ...(orderId === undefined ? {} : { orderId }),
      ...(invoice ? { payable: this.payable, currency: invoice.currency } : {}),
      ...(amountEurCents === undefined ? {} : { amountEurCents }),
      tier,
      explanation:
        found.length === 0
          ? "All checks hold."
          : sorted(found)
              .map((code) => exceptions[code].what)
              .join("; "),
    });
  }

  rules(found: readonly ExceptionCode[] = this.truth.exceptions): Turn {
    const { amountEurCents } = this.truth;
    const amount = amountEurCents === undefined ? {} : { amountEurCents };
    return calls("policy", "get_rules", { exceptions: [...sorted(found)], ...amount });
  }

  decides(verdict: "post" | "release" | "route", found: readonly ExceptionCode[] = this.truth.exceptions): Turn {
    const { tier } = this.truth;
    const tiered = tier === "none" ? [] : [tierArticles[tier]];
    const ids = [...sorted(found).map((code) => exceptions[code].article as string), ...tiered];
    const ruleIds = articles.map(({ id }) => id).filter((id) => ids.includes(id));
    return says("policy", { verdict, ruleIds, tier, reasons: [] });
  }

  posts(tool: string = this.tool): Turn {
    const { vendorId = "V-000", amountEurCents = 0, invoice } = this.truth;
    const currency = invoice?.currency ?? "EUR";
    return calls("posting", tool, { ...this.ids, vendorId, payable: this.payable, currency, amountEurCents });
  }

  hasPosted(): Turn {
    const { currency } = this.truth.invoice ?? { currency: "" };
    const reply = `${this.ids.documentId} is posted as ${postingId}: ${this.payable} ${currency}.`;
    return says("posting", { posted: true, postingId, because: "none", reply });
  }

  hasNotPosted(because: "approval_refused" | "refused_by_the_books"): Turn {
    return says("posting", { posted: false, because, reply: `${this.ids.documentId} is not posted.` });
  }

  routes(found: readonly ExceptionCode[] = this.truth.exceptions): Turn {
    return calls("exceptions", "route_exception", { ...this.ids, exceptions: [...sorted(found)] });
  }

  hasRouted(found: readonly ExceptionCode[] = this.truth.exceptions): Turn {
    const queue = queueOf(found);
    const why = sorted(found).join(", ");
    const reply = `${this.ids.documentId} is not posted (${why}). Case ${caseId} is with ${queue}.`;
    return says("exceptions", { released: false, caseId, queue, reply });
  }

  /** What the books hold of it once it is posted. */
  posting(released: readonly ExceptionCode[] = []): Posting {
    const { truth } = this;
    const { invoice, vendorId, amountEurCents, tier, orderId } = truth;
    if (!invoice || vendorId === undefined || amountEurCents === undefined || tier === "none") {
      throw new RangeError(`${truth.documentId} is not one that is posted`);
    }
    const lines = orderId === undefined ? [] : invoice.lines;
    const numbered = lines.map((line, index) => ({ ...line, of: line.orderLine ?? String(index + 1) }));
    const pieces = Map.groupBy(numbered, ({ of }) => of);
    return {
      ...this.ids,
      postingId,
      vendorId,
      number: invoice.number,
      kind: invoice.kind,
      preceding: [...invoice.precedingInvoices],
      currency: invoice.currency,
      gross: decimalText(invoice.totals.gross, currencyDigits(invoice.currency)),
      payable: this.payable,
      amountEurCents,
      account: truth.account ?? "",
      tier,
      ...(orderId === undefined ? {} : { orderId }),
      pieces: Object.fromEntries(
        [...pieces].map(([id, of]) => [id, decimalText(add(...of.map((line) => line.quantity ?? decimal("0"))))]),
      ),
      released: [...released],
      issuedOn: invoice.issueDate,
      postedOn: this.today,
    };
  }
}

/** The next of each in the desk as it is made. */
export const postingId = "B-5001";
export const caseId = "X-301";

export function says(agent: string, value: object): Turn {
  return { agent, parts: [{ type: "output", value: value as Json }] };
}

export function calls(agent: string, tool: string, input: object): Turn {
  const part: ResponsePart = { type: "toolCall", callId: "call_1", tool, input: input as Json };
  return { agent, parts: [part] };
}
