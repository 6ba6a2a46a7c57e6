/** A name as a part of a JSON pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The name that a part of a JSON pointer stands for. */
export function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The names and indexes in a JSON pointer. */
export function partsOfPointer(pointer: string): readonly string[] {
  return pointer.split("/").slice(1).map(unescapePointer);
}
