/** All members that options may have, so that none is forgotten here. */
export type Known<Options> = { readonly [Member in keyof Required<Options>]: true };

/**
 * What no compiler has told to who writes JavaScript: a member that is none. A misspelt `authenticate` would ask nobody who
 * they are, and a misspelt `pin` would pin nothing.
 * @returns the reason, nothing where all are known
 */
export function strangeIn(options: object, known: { readonly [member: string]: true }): string | undefined {
  const strange = Object.entries(options).find(([name, value]) => value !== undefined && !Object.hasOwn(known, name));
  return strange && `\`${strange[0].slice(0, 100)}\` is none of ${Object.keys(known).join(", ")}`;
}
