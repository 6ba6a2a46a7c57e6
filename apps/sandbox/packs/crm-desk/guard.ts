import type { Draft, Job, JobPair, Proposals, Verdicts } from "./agents.ts";
import { type Field, fields, fits, kindOf } from "./fields.ts";
import { isTemplate } from "./templates.ts";

/**
 * Whether what agents propose may be handed to the one that writes: the contract between them, by rule. Pure.
 * @returns what is wrong, a line each; nothing where it may be carried out
 */
const most = 20;

/** Values have a source of their own field, are sure enough, and every field that was asked for is there once. */
export function proposalFaults(
  { proposals, doubts }: Proposals,
  { recordId, targets }: Pick<Job, "recordId" | "targets">,
): readonly string[] {
  const found: string[] = [];
  const told: Field[] = [...proposals, ...doubts].map(({ field }) => field);
  for (const field of new Set(told)) {
    if (!targets.includes(field)) found.push(`nobody asked for ${field}`);
    if (told.filter((one) => one === field).length > 1) found.push(`${field} is there more than once`);
  }
  for (const field of targets) if (!told.includes(field)) found.push(`${field} is left out`);
  for (const { field, value, offerId, surePercent } of proposals) {
    if (!fields[field].of.includes(kindOf(recordId))) found.push(`${recordId} has no ${field}`);
    if (!fits(field, value)) found.push(`${value} is no ${field}`);
    if (!isOfferOf(offerId, field)) found.push(`${offerId} says nothing of ${field}`);
    if (surePercent < fields[field].surePercent) found.push(`${surePercent}% is too little for ${field}`);
  }
  return found.slice(0, most);
}

/** The number of an offer says which field it is of. */
export function isOfferOf(offerId: string, field: string): boolean {
  return offerId.startsWith(`OFF-${field}-`);
}

/** Each pair that the rules leave open has one verdict, on what the rules have found, and no other pair has one. */
export function verdictFaults(
  { verdicts }: Verdicts,
  { pairs }: { readonly pairs: readonly JobPair[] },
): readonly string[] {
  const found: string[] = [];
  const names = (one: { readonly keepId: string; readonly goneId: string }) => `${one.keepId}+${one.goneId}`;
  const open = new Map(pairs.filter(({ verdict }) => verdict === "doubtful").map((one) => [names(one), one]));
  for (const one of verdicts) {
    const pair = open.get(names(one));
    if (pair === undefined) found.push(`the rules do not leave ${names(one)} open`);
    const invented = one.because.filter((sign) => !pair?.evidence.includes(sign));
    if (invented.length > 0) found.push(`${names(one)} rests on ${invented.join(", ")}, which was not found`);
    if (one.verdict === "same" && one.because.length === 0) found.push(`${names(one)} rests on nothing`);
  }
  for (const name of open.keys()) {
    const count = verdicts.filter((one) => names(one) === name).length;
    if (count !== 1) found.push(`${name} has ${count} verdicts`);
  }
  return found.slice(0, most);
}

/** How sure a verdict has to be: below, a person looks. */
export const surePercentMin = 80;

/** A template is what was released, word for word; words of one's own hold no links and no addresses. */
export function draftFaults({ decision, reason, template, subject, body }: Draft): readonly string[] {
  if (decision === "wait") return [];
  if (decision === "cannot") return reason === undefined ? ["it does not say why nobody can be written to"] : [];
  const found: string[] = [];
  if (subject === "" || body === "") found.push("there is no text");
  if (template !== "free" && !isTemplate({ template, subject, body })) found.push(`it is not the text of ${template}`);
  if (template === "free" && /@|:\/\/|www\./i.test(`${subject} ${body}`)) found.push("it holds a link or an address");
  return found;
}
