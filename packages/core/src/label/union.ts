/**
 * The labels of both, each once, in alphabetical order. Sets of labels are small and mostly hold each other: then the one
 * that holds the other is what comes back, and no copy of it.
 */
export function unionOf(left: readonly string[], right: readonly string[]): readonly string[] {
  if (isSet(left) && holds(left, right)) return left;
  if (isSet(right) && holds(right, left)) return right;
  return [...new Set([...left, ...right])].sort();
}

function holds(all: readonly string[], some: readonly string[]): boolean {
  for (let index = 0; index < some.length; index++) if (!all.includes(some[index] as string)) return false;
  return true;
}

function isSet(labels: readonly string[]): boolean {
  for (let index = 1; index < labels.length; index++) {
    if ((labels[index - 1] as string) >= (labels[index] as string)) return false;
  }
  return true;
}
