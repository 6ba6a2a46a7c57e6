import type { Frozen } from "../../src/world/table.ts";
import { kindOf } from "./fields.ts";
import type { CrmRecord } from "./state.ts";

/**
 * The deterministic pass over pairs: whether two records are one, by rule and without a model. Pure. `certain`: proposed as
 * they are; `doubtful`: a model may look; `apart`: never proposed, whatever anybody says.
 *
 * M1 What speaks against decides before what speaks for: two VAT numbers are two companies, however alike their names.
 * M2 A name alone proves nothing: two people of one name may both be there.
 * M3 Names are compared across ways of writing: letters with marks, legal forms, Cyrillic and Latin letters.
 */
export const signs = [
  "same_vat",
  "same_website",
  "same_email",
  "same_phone",
  "same_name",
  "similar_name",
  "same_account",
  "same_amount",
  "same_close_date",
  "other_vat",
  "other_country",
  "other_email",
  "other_phone",
  "other_account",
  "other_amount",
] as const;
export type Sign = (typeof signs)[number];
export type Verdict = "certain" | "doubtful" | "apart";

export interface Match {
  readonly verdict: Verdict;
  readonly evidence: readonly Sign[];
}

type Matchable = Pick<Frozen<CrmRecord>, "recordId" | "orgId" | "name" | "fields" | "accountId">;

/** Whether two records are one. Records of different kinds or organisations are always apart, and a record and itself too. */
export function matchOf(left: Matchable, right: Matchable): Match {
  const kind = kindOf(left.recordId);
  if (left.recordId === right.recordId || kind !== kindOf(right.recordId) || left.orgId !== right.orgId) {
    return { verdict: "apart", evidence: [] };
  }
  const evidence = signsOf(left, right);
  const has = (...all: readonly Sign[]) => all.every((sign) => evidence.includes(sign));
  const verdict = { account: accountVerdict, contact: contactVerdict, deal: dealVerdict }[kind](has);
  return { verdict, evidence };
}

type Has = (...all: readonly Sign[]) => boolean;

function accountVerdict(has: Has): Verdict {
  if (has("other_vat")) return "apart";
  if (has("same_vat")) return has("other_country") ? "doubtful" : "certain";
  const named = has("same_name") || has("similar_name");
  if (has("same_website", "same_name") && !has("other_country")) return "certain";
  if (named && (has("same_website") || has("same_phone"))) return "doubtful";
  return has("same_name") && !has("other_country") ? "doubtful" : "apart";
}

function contactVerdict(has: Has): Verdict {
  const named = has("same_name") || has("similar_name");
  if (has("same_email")) return named && !has("other_account") ? "certain" : "doubtful";
  if (has("same_name", "same_phone")) return has("other_account") ? "doubtful" : "certain";
  return named && has("same_account") && !has("other_email", "other_phone") ? "doubtful" : "apart";
}

function dealVerdict(has: Has): Verdict {
  if (!has("same_account") || has("other_amount")) return "apart";
  if (has("same_name", "same_amount", "same_close_date")) return "certain";
  return (has("same_name") || has("similar_name")) && has("same_amount") ? "doubtful" : "apart";
}

function signsOf(left: Matchable, right: Matchable): readonly Sign[] {
  const found: Sign[] = [];
  const compare = (a: unknown, b: unknown, same: Sign, other?: Sign) => {
    if (a === undefined || b === undefined) return;
    if (a === b) found.push(same);
    else if (other !== undefined) found.push(other);
  };
  const [mine, theirs] = [left.fields, right.fields];
  compare(mine.vatId, theirs.vatId, "same_vat", "other_vat");
  compare(mine.website, theirs.website, "same_website");
  compare(addressKey(mine.email), addressKey(theirs.email), "same_email", "other_email");
  compare(mine.phone, theirs.phone, "same_phone", "other_phone");
  const [names, others] = [nameKeys(left.name), nameKeys(right.name)];
  if (names.some((key) => others.includes(key))) found.push("same_name");
  else if (names.some((key) => others.some((other) => isSimilar(key, other)))) found.push("similar_name");
  compare(left.accountId, right.accountId, "same_account", "other_account");
  compare(mine.amountCents, theirs.amountCents, "same_amount", "other_amount");
  compare(mine.closeDate, theirs.closeDate, "same_close_date");
  if (mine.country !== undefined && theirs.country !== undefined && mine.country !== theirs.country) {
    found.push("other_country");
  }
  return found.sort((a, b) => signs.indexOf(a) - signs.indexOf(b));
}

/** An address without what mail systems leave out of it: the case, and what follows a plus. */
function addressKey(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const [name = "", host = ""] = value.toLowerCase().split("@");
  return `${name.split("+")[0]}@${host}`;
}

const legalForms = new Set([
  "gmbh",
  "ag",
  "ltd",
  "limited",
  "sarl",
  "sa",
  "bv",
  "kg",
  "inc",
  "plc",
  "tov",
  "co",
  "und",
  "and",
]);
const cyrillic: Readonly<Record<string, string>> = Object.fromEntries(
  [..."абвгдезийклмнопрстуфхцьыэюяіїєґчшщж"].map((letter, index) => [
    letter,
    "a b v g d e z i y k l m n o p r s t u f kh ts ' y e yu ya i yi ye g ch sh shch zh"
      .split(" ")
      [index]?.replace("'", "") ?? "",
  ]),
);

/** The forms under which a name is the same name: with and without the second letter that stands for a mark. */
export function nameKeys(name: string): readonly string[] {
  const plain = name.normalize("NFKC").toLowerCase();
  const latin = [...plain].map((letter) => cyrillic[letter] ?? letter).join("");
  const spelt = latin.replaceAll("ä", "ae").replaceAll("ö", "oe").replaceAll("ü", "ue").replaceAll("ß", "ss");
  const bare = latin.replaceAll("ß", "ss").normalize("NFD").replace(/\p{M}/gu, "");
  return [...new Set([spelt, bare].map(wordsOf))].filter((key) => key !== "");
}

function wordsOf(text: string): string {
  const words = text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/(?<=\p{L})\.(?=\p{L})/gu, "");
  return words
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !legalForms.has(word))
    .join(" ");
}

const similarMin = 6;
const distanceMax = 2;

/** Two letters apart at most, or the words of the one are all in the other. */
function isSimilar(left: string, right: string): boolean {
  if (Math.min(left.length, right.length) < similarMin) return false;
  const [mine, theirs] = [left.split(" "), right.split(" ")];
  const [few, many] = mine.length <= theirs.length ? [mine, theirs] : [theirs, mine];
  if (few.length > 1 && few.every((word) => many.includes(word))) return true;
  return isWithin(left, right, distanceMax);
}

/** True when so many letters added, left out or changed make the one of the other. */
function isWithin(left: string, right: string, most: number): boolean {
  if (Math.abs(left.length - right.length) > most) return false;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[right.length] ?? most + 1) <= most;
}
