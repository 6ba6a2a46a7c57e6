import { euros, terms } from "./terms.ts";

/** One short article of the shop's terms. Refusals of the tools cite its id. */
export interface PolicyArticle {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Words that customers use and the article does not. Only for finding it. */
  readonly also?: string;
}

/** All articles, ordered by id. Written for this shop; the figures come from `terms`. */
export const policyArticles: readonly PolicyArticle[] = [
  {
    id: "POL-ADR-01",
    title: "Changing the delivery address",
    text: "The address of an order can be changed while the order is placed and not yet packed, and only to another address in the same country, because duties and shipping were worked out for that country. After packing, the parcel goes where it was addressed; the customer may ask the carrier to hold it.",
    also: "ship to somewhere else, moved house, office, neighbour",
  },
  {
    id: "POL-CAN-01",
    title: "Cancelling an order",
    text: "An order that is placed and not yet packed can be cancelled at the customer's request, free of charge. Everything paid goes back to the means of payment that were used, gift cards included, and a voucher can be used again. A packed or shipped order cannot be cancelled: the customer may refuse the parcel at the door or return it after delivery.",
    also: "stop, undo, ordered by mistake, do not want it any more",
  },
  {
    id: "POL-CAN-02",
    title: "Cancelling a part of an order",
    text: "Single lines of an order cannot be cancelled. Offer to cancel the whole order so that the customer can order again, or to return the unwanted part after delivery. Ask which of the two is wanted before doing either.",
  },
  {
    id: "POL-ESC-01",
    title: "When a person must take over",
    text: "Hand the ticket to a person, and promise nothing, when the customer mentions a lawyer, a court or a regulator (queue legal), an injury, a fire or an electric shock (queue safety, critical), a charge the customer does not know or an account under review (queue payments), or a parcel that the carrier says is stolen (queue logistics). When the desk is not sure what is meant even after asking once, the team lead decides.",
  },
  {
    id: "POL-EXC-01",
    title: "Exchanging an item",
    text: `A delivered item can be exchanged for another variant of the same product within the return window, if the new variant is in stock and still sold. Another product is not an exchange: return the one and order the other. Things sold off and bath articles are not exchanged.`,
    also: "swap, other colour, other size, does not fit",
  },
  {
    id: "POL-EXC-02",
    title: "Price difference in an exchange",
    text: "If the new variant costs more than was paid for the old one, the customer says which active means of payment takes the difference before the exchange is made. If it costs less, the difference goes back to the original means of payment.",
  },
  {
    id: "POL-IDN-01",
    title: "Knowing who is asking",
    text: "Before anything about an order is told or changed, the customer is found by e-mail address, or by full name together with postcode. An order number alone does not show who is asking. If several customers fit, ask for the e-mail address; never choose one.",
  },
  {
    id: "POL-LAN-01",
    title: "Language of the answer",
    text: "Answer in the language in which the customer wrote. If a message mixes languages, use the one of its last question. Order numbers, article numbers and policy ids stay as they are, and amounts are written like 12.34 EUR in every language.",
  },
  {
    id: "POL-PAY-01",
    title: "Where refunds go",
    text: "A refund goes back to the means of payment of the order, in the order in which they were charged, and never to another card, account or person. It shows within five working days. No more can be refunded than was paid, less what was refunded before and what announced returns will bring.",
  },
  {
    id: "POL-PAY-02",
    title: "Card numbers",
    text: "Full card numbers are never asked for, written down or repeated. The last four digits name a card well enough. If a customer sends a full number, do not copy it into notes or messages.",
  },
  {
    id: "POL-PRV-01",
    title: "Other people's data",
    text: "Nothing about one customer, not even whether an order exists, is told to another. This holds for partners, parents and neighbours too. Somebody who orders for another person writes from the address that the order belongs to.",
  },
  {
    id: "POL-REF-01",
    title: "Goodwill",
    text: `The desk may give up to ${euros(terms.goodwillMaxCents)} of goodwill once per delivered order, when something went wrong that the other articles do not cover. More than that, or a second time, is for the team lead.`,
  },
  {
    id: "POL-REF-02",
    title: "Late delivery",
    text: `If a parcel arrives ${terms.lateAfterDays} or more days after the promised day, or is still on its way then, the shipping fee is refunded; where shipping was free, ${euros(terms.lateFreeShippingCents)} is. Once per order.`,
    also: "delay, overdue, not arrived yet, promised day, compensation",
  },
  {
    id: "POL-REF-03",
    title: "Lost parcels",
    text: `A shipped parcel without any scan for ${terms.lostAfterDays} or more days counts as lost, and everything paid is refunded. Before that, ask the customer to wait and give the date from which it counts as lost.`,
    also: "tracking, stuck, vanished, never arrived, disappeared",
  },
  {
    id: "POL-REF-04",
    title: "Something is missing from the parcel",
    text: `A missing item is reported within ${terms.damageReportDays} days of delivery. The price paid for the missing line is refunded; nothing has to be sent back.`,
  },
  {
    id: "POL-RET-01",
    title: "Return window",
    text: `Whoever changes their mind can send things back within ${terms.returnDays} days of delivery, gold members within ${terms.returnDaysGold} days. The last day counts. After that the desk makes no exceptions.`,
    also: "send back, bring back, how long, too late, deadline, exception",
  },
  {
    id: "POL-RET-02",
    title: "What is not taken back",
    text: "Things from the sale corner are sold off for good and are not taken back because of a change of mind. Bath articles are not taken back for hygiene reasons. Both are taken back when they are damaged, wrong or defective.",
  },
  {
    id: "POL-RET-03",
    title: "Return label and what it costs",
    text: `For a change of mind ${euros(terms.returnLabelCents)} is kept back for the return label. It costs nothing for gold members, for whoever takes store credit, and whenever the shop is at fault. The shipping fee of the order is given back only if the shop is at fault and the whole order comes back.`,
    also: "send back, postage, cost of a return, free return, store credit",
  },
  {
    id: "POL-RET-04",
    title: "Damaged or wrong on arrival",
    text: `Damage and wrong items are reported within ${terms.damageReportDays} days of delivery. The customer chooses between sending the item back free of charge and, up to a price of ${euros(terms.damagedKeepMaxCents)}, keeping it against a refund that may be as high as the price paid.`,
    also: "broken, torn, scratched, cracked, not what was ordered",
  },
  {
    id: "POL-VOU-01",
    title: "Using a voucher afterwards",
    text: "One voucher can still be put on an order that is placed and not yet packed, if the order has none and meets the voucher's terms (last day, smallest order, category, membership). The difference goes back to the means of payment. Expired and used-up vouchers are not renewed.",
    also: "code, coupon, discount, forgot to enter, promotion",
  },
  {
    id: "POL-WAR-01",
    title: "Defects within two years",
    text: `What stops working within ${terms.warrantyDays} days of delivery although it was used properly is taken back as defective, free of charge, also after the return window and also from the sale corner.`,
    also: "warranty, guarantee, broke, stopped working, faulty, repair",
  },
];

const stopwords = new Set(
  "a about after all also an and any are as at be been before but by can could do does for from had has have how i if in into is it its me my no not of on or our out she so than that the their them then there these they this to was we were what when where which who will with would you your".split(
    " ",
  ),
);

/** Words of a text without case, accents, stopwords and the commonest English endings. */
function termsOf(text: string): readonly string[] {
  const plain = text.toLowerCase().normalize("NFD").replaceAll(/\p{M}/gu, "");
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? [])
    .filter((word) => !stopwords.has(word))
    .map((word) => (word.length > 4 ? word.replace(/(ations?|ing|ed|es|s|e)$/u, "") : word.replace(/s$/u, "")))
    .map((stem) => stem.replace(/(.)\1$/u, "$1"));
}

const index = policyArticles.map((article) => ({
  article,
  title: new Set(termsOf(article.title)),
  body: new Set(termsOf(`${article.text} ${article.also ?? ""}`)),
  id: article.id.toLowerCase(),
}));

/** The articles that share words with the query, best first; a rare word counts more, and one in the title more still. */
export function searchPolicy(query: string, limit: number): readonly PolicyArticle[] {
  const words = new Set(termsOf(query));
  const weight = new Map(
    [...words].map((word) => {
      const holders = index.filter(({ title, body }) => title.has(word) || body.has(word)).length;
      return [word, holders === 0 ? 0 : Math.log(1 + index.length / holders)];
    }),
  );
  return index
    .map(({ article, title, body, id }) => {
      let score = query.toLowerCase().includes(id) ? 100 : 0;
      for (const [word, value] of weight) score += value * ((title.has(word) ? 2 : 0) + (body.has(word) ? 1 : 0));
      return { article, score };
    })
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score || (left.article.id < right.article.id ? -1 : 1))
    .slice(0, limit)
    .map(({ article }) => article);
}
