import type { WhoseRuns } from "./books.ts";
import { quoted } from "./place.ts";

/** A command about the runs of a person's own application, with what says so. */
export function ownWords(words: string, { tenant }: WhoseRuns): string {
  const whose = tenant === undefined ? "--own" : `--tenant ${quoted(tenant)}`;
  const [first = ""] = words.split(" ");
  const grouped = ["show", "replay", "list"].includes(first) ? `runs ${words}` : words;
  // `runs` is about nothing else.
  return grouped.startsWith("runs ") && tenant === undefined ? grouped : `${grouped} ${whose}`;
}
