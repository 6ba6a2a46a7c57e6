/** A place in a text: index of its first character, and of the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What of a place no other one covers, in order. */
export function besides({ start, end }: Span, others: readonly Span[]): readonly Span[] {
  const left: Span[] = [];
  let from = start;
  for (const other of others.toSorted((a, b) => a.start - b.start)) {
    if (other.end <= from || other.start >= end) continue;
    if (other.start > from) left.push({ start: from, end: other.start });
    from = other.end;
  }
  return from < end ? [...left, { start: from, end }] : left;
}
