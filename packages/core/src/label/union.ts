/** The labels of both, each once, in alphabetical order. Sets of labels are small and mostly hold each other. */
export function unionOf(left: readonly string[], right: readonly string[]): string[] {
  if (isSet(left) && right.every((label) => left.includes(label))) return [...left];
  return [...new Set([...left, ...right])].sort();
}

function isSet(labels: readonly string[]): boolean {
  for (let index = 1; index < labels.length; index++) {
    if ((labels[index - 1] as string) >= (labels[index] as string)) return false;
  }
  return true;
}
