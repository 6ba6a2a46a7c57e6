/** What erasing makes of stored lines, the same in every journal (D5). */

/** A batch's lines with empty salts and bodies where they were to be erased. */
export interface ErasedLines {
  readonly lines: string;
  /** Entries that were emptied now. */
  readonly entries: number;
  /** Addresses of the payloads that they named. */
  readonly addresses: readonly string[];
}

/** @param before entries of this time (epoch ms) and later are left alone */
export function eraseLines(lines: string, before = Number.POSITIVE_INFINITY): ErasedLines {
  const addresses: string[] = [];
  let entries = 0;
  const kept = lines.split("\n").map((line) => {
    const [header = "", commitment = "", hash = "", salt = "", body = ""] = line.split("\t");
    if ((salt === "" && body === "") || timeOf(header) >= before) return line;
    entries++;
    addresses.push(...addressesIn(body));
    return `${header}\t${commitment}\t${hash}\t\t`;
  });
  return { lines: kept.join("\n"), entries, addresses };
}

/** How many entries still have a body and would be emptied. */
export function countBodies(lines: string, before?: number): number {
  return eraseLines(lines, before).entries;
}

/** Addresses of payloads that are named in a batch's lines, or in one body. */
export function addressesIn(lines: string): string[] {
  return [...lines.matchAll(/(?:^|\t)\{"\$blob":"([^"\\]+)","chars":\d+\}$/gm)].map(([, address = ""]) => address);
}

function timeOf(header: string): number {
  return (JSON.parse(header) as { readonly at: number }).at;
}
