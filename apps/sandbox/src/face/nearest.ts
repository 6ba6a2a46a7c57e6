/**
 * The one word that somebody may have meant by another: the one with the fewest letters put in, left out, changed or
 * swapped with the next, where these are few for its length and no other is as near.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const said = word.toLowerCase();
  let best: string | undefined;
  let least = Math.min(4, Math.max(1, Math.floor(said.length * 0.4))) + 1;
  let tied = false;
  for (const one of new Set(known)) {
    if (Math.abs(one.length - said.length) >= least + 1) continue;
    const far = distance(said, one.toLowerCase());
    if (far < least) [best, least, tied] = [one, far, false];
    else if (far === least && best !== undefined) tied = true;
  }
  return tied ? undefined : best;
}

function distance(left: string, right: string): number {
  let [before, above]: [number[], number[]] = [[], Array.from({ length: right.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= left.length; row++) {
    const line = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let steps = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && isSwapped) steps = Math.min(steps, (before[column - 2] ?? 0) + 1);
      line.push(steps);
    }
    [before, above] = [above, line];
  }
  return above[right.length] ?? 0;
}
