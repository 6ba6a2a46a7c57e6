/**
 * What a text is made of, for a classifier that knows nothing else of it: its words, pairs of neighbouring words, and the
 * parts of words of three and four letters, by which words with other endings and slips of the pen are alike. Weighed by
 * TF-IDF: what is rare among the examples says more. Words and parts of words are brought to the same length each, so that
 * a text of long words does not drown its words in their parts; what no vocabulary knows counts for the length too.
 */
export interface Vocabulary {
  /** Features in the order of their index. */
  readonly names: readonly string[];
  /** How much each says. */
  readonly weights: Float32Array;
}

/** The features of a text that a vocabulary knows, with their weights. */
export interface Vector {
  readonly indices: Uint32Array;
  readonly values: Float64Array;
}

/** Characters of a text that are looked at; so that no text takes long. */
const charsMax = 8_000;
const partLengths = [3, 4];
/** Where there are so many examples, a feature that one alone has is as good as none. */
const manyExamples = 1_000;

/** How often each feature is in a text. A word begins with `w`, a part of one with `c`. */
export function featuresOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const words =
    text
      .slice(0, charsMax)
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  words.forEach((word, index) => {
    add(`w${word}`);
    const next = words[index + 1];
    if (next !== undefined) add(`w${word} ${next}`);
    const edged = ` ${word} `;
    for (const length of partLengths) {
      for (let at = 0; at + length <= edged.length; at++) add(`c${edged.slice(at, at + length)}`);
    }
  });
  return counts;
}

/** The features of many texts, each name held once: an example is the numbers of its features. */
export interface Bags {
  readonly names: readonly string[];
  readonly bags: readonly Bag[];
}
export interface Bag {
  readonly features: Uint32Array;
  /** How often each of them is there. */
  readonly counts: Uint32Array;
}

export function bagsOf(texts: readonly string[]): Bags {
  const numbers = new Map<string, number>();
  const bags = texts.map((text): Bag => {
    const found = featuresOf(text);
    const features = Uint32Array.from(found.keys(), (name) => {
      const number = numbers.get(name) ?? numbers.size;
      numbers.set(name, number);
      return number;
    });
    return { features, counts: Uint32Array.from(found.values()) };
  });
  return { names: [...numbers.keys()], bags };
}

/** What some of the bags come to: the most frequent features of them, and each as a vector of those. */
export function vectorsOf(
  names: readonly string[],
  bags: readonly Bag[],
  featuresMax: number,
): { readonly vocabulary: Vocabulary; readonly vectorOf: (bag: Bag) => Vector } {
  const counts = new Uint32Array(names.length);
  for (const { features } of bags) for (const number of features) (counts[number] as number)++;
  const least = bags.length >= manyExamples ? 2 : 1;
  const kept = names
    .map((name, number) => ({ name, number, count: counts[number] as number }))
    .filter(({ count }) => count >= least)
    .sort((left, right) => right.count - left.count || (left.name < right.name ? -1 : 1))
    .slice(0, featuresMax);
  const vocabulary = {
    names: kept.map(({ name }) => name),
    weights: Float32Array.from(kept, ({ count }) => Math.log((1 + bags.length) / (1 + count)) + 1),
  };
  const indexOf = new Int32Array(names.length).fill(-1);
  for (const [index, { number }] of kept.entries()) indexOf[number] = index;
  const weigh = weigher(vocabulary);
  return {
    vocabulary,
    vectorOf: (bag) =>
      weigh(
        Array.from(bag.features, (number, at) => ({
          name: names[number] as string,
          index: indexOf[number] as number,
          count: bag.counts[at] as number,
        })),
      ),
  };
}

/** Makes vectors of texts by a vocabulary that is there. */
export function vectorizer(vocabulary: Vocabulary): (text: string) => Vector {
  const indexOf = new Map(vocabulary.names.map((name, index) => [name, index]));
  const weigh = weigher(vocabulary);
  return (text) =>
    weigh(Array.from(featuresOf(text), ([name, count]) => ({ name, index: indexOf.get(name) ?? -1, count })));
}

/** A feature of a text: its place in the vocabulary, -1 where it is not in there. */
interface Found {
  readonly name: string;
  readonly index: number;
  readonly count: number;
}

/**
 * A strange feature counts for the length of a text as the rarest does, so that what is known in a text that is mostly strange
 * says little. Pairs of words are left out: most pairs are new.
 */
function weigher({ weights }: Vocabulary): (found: readonly Found[]) => Vector {
  const strange = weights.reduce((most, weight) => Math.max(most, weight), 0);
  return (found) => {
    const weighed = ({ index, count }: Found) => (1 + Math.log(count)) * (weights[index] ?? strange);
    let [words, parts] = [0, 0];
    for (const one of found) {
      if (one.index < 0 && isPair(one.name)) continue;
      if (isWord(one.name)) words += weighed(one) ** 2;
      else parts += weighed(one) ** 2;
    }
    const [wordsLength, partsLength] = [Math.sqrt(words), Math.sqrt(parts)];
    const known = found.filter(({ index }) => index >= 0);
    return {
      indices: Uint32Array.from(known, ({ index }) => index),
      values: Float64Array.from(known, (one) => weighed(one) / (isWord(one.name) ? wordsLength : partsLength)),
    };
  };
}

const isWord = (name: string) => name.startsWith("w");
const isPair = (name: string) => isWord(name) && name.includes(" ");
