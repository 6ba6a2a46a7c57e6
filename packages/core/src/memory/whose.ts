/**
 * Whose word a label says it is, in a memory that several people share. `user` is whoever the run is for: said in one run
 * and found in another's, it would be the word of somebody who never said it. So it is kept with its person, and is `user` for
 * that person alone; for everybody else it is foreign, as what anybody may have written is (R9).
 */

/** What a person's word is for others: foreign, unless a supervisor lists it in `trusted`. */
export const othersWord = "user:other";

/** No tool's label: one that begins so is taken for somebody else's word. */
const prefix = "principal:";

/** Labels as they are kept. @param principal id of who the run is for */
export function keptLabels(labels: readonly string[], principal: string | undefined): readonly string[] {
  return sorted(
    labels.map((label) => {
      if (label.startsWith(prefix)) return othersWord;
      return label === "user" && principal !== undefined ? `${prefix}${principal}` : label;
    }),
  );
}

/** Labels as they are found. What was kept before it was kept whose it is, is nobody's of those who find it. */
export function foundLabels(labels: readonly string[], principal: string | undefined): readonly string[] {
  return sorted(
    labels.map((label) => {
      if (principal !== undefined && label === `${prefix}${principal}`) return "user";
      return label === "user" || label.startsWith(prefix) ? othersWord : label;
    }),
  );
}

function sorted(labels: readonly string[]): readonly string[] {
  return [...new Set(labels)].sort();
}
