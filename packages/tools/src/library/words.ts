/** Words of texts and queries, as a full-text index takes them: without case, accents and signs. */

/** Names such as `DiskFilling` and `HTTPError` also in their parts; signs of scripts without spaces each by itself. */
export function spaced(text: string): string {
  const signs = separated(text);
  const parted = signs.replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2").replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2");
  return parted === signs ? signs : `${signs} ${parted}`;
}

/**
 * A text without case and accents, in one form of each letter. A mark that makes another letter stays (か and が, и and й, vowels of
 * Devanagari): accents are those of Latin and Greek alone.
 */
export function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/([\p{Script=Latin}\p{Script=Greek}])[\u0300-\u036f]+/gu, "$1")
    .normalize("NFC")
    .toLowerCase()
    .replaceAll("ß", "ss");
}

export function wordsOf(text: string): readonly string[] {
  return plain(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** What a query asks for: words and pairs of neighbours, with how often it says each. */
export interface QueryTerm {
  /** One word, or two with a space between. */
  readonly words: string;
  readonly times: number;
}

/** Words and pairs of one query that are looked for; what a longer text says first, and most often, counts. */
export const termsMax = 512;

/**
 * The terms of a query. Words that say nothing (`the`, `which`) are left out, unless there is nothing else; a pair is two
 * words that stand side by side, with no sign but a hyphen or an apostrophe between them.
 */
export function termsOf(query: string, stopWords: ReadonlySet<string>): readonly QueryTerm[] {
  const singles = new Map<string, number>();
  const pairs = new Map<string, number>();
  const count = (of: Map<string, number>, words: string) => of.set(words, (of.get(words) ?? 0) + 1);
  const all = wordsOf(spaced(query));
  const telling = all.filter((word) => !stopWords.has(word));
  for (const word of telling.length > 0 ? telling : all) count(singles, word);
  for (const clause of query.split(/[^\p{L}\p{M}\p{N}\s'’_-]+|\n/u)) {
    const words = wordsOf(separated(clause));
    for (let at = 0; at + 1 < words.length; at++) {
      const [one = "", next = ""] = [words[at], words[at + 1]];
      if (!stopWords.has(one) && !stopWords.has(next)) count(pairs, `${one} ${next}`);
    }
  }
  const often = [...singles, ...pairs].map(([words, times]) => ({ words, times }));
  return often.length <= termsMax ? often : often.sort((left, right) => right.times - left.times).slice(0, termsMax);
}

/**
 * Signs of scripts without spaces, each by itself: neighbours are pairs then. So are syllables of Korean, whose words carry
 * their particles at their ends.
 */
export function separated(text: string): string {
  return text.normalize("NFC").replaceAll(signs, " $& ");
}

const signs =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Hangul}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** English words that are in every text, and pieces that an apostrophe leaves behind. */
export const englishStopWords: readonly string[] =
  `a about above after again all also am an and any are as at be because been before being below both but by can could d did
  do does doing don down during each few for from further had has have having he her here hers him his how i if in into is it
  its just ll m me more most my no nor not of off on once only or other our out over own re s same she should so some such t
  than that the their them then there these they this those through to too under until up ve very was we were what when where
  which while who whom why will with would you your`.split(/\s+/);
