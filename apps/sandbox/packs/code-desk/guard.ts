import type { z } from "zod";
import type { noteLine, Review } from "./agents.ts";
import { rules, verdictOf } from "./rules/rule.ts";

/**
 * Contracts between who finds and who writes, by form alone: what a finding and a line of release notes must be. Whether a row
 * is in the diff and a change was merged, only the forge knows, and the gates ask for its word. Pure.
 * @returns what is wrong, a line each
 */
export function findingFaults(
  { findings, verdict }: Pick<Review, "findings" | "verdict">,
  pullId: string,
): readonly string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const { anchor, rule, severity } of findings) {
    if (!anchor.startsWith(`${pullId}/`)) found.push(`${anchor} is no row of ${pullId}`);
    if (rules[rule].severity !== severity) found.push(`${rule} is ${rules[rule].severity}, not ${severity}`);
    const point = `${anchor} ${rule}`;
    if (seen.has(point)) found.push(`${rule} at ${anchor} is there twice`);
    seen.add(point);
  }
  const wanted = verdictOf(findings);
  if (verdict !== wanted) found.push(`the verdict of these findings is ${wanted}, not ${verdict}`);
  return found.slice(0, 20);
}

export function lineFaults(lines: readonly z.output<typeof noteLine>[]): readonly string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  lines.forEach(({ changeId, text }, index) => {
    const say = (what: string) => found.push(`line ${index + 1} ${what}`);
    const cited = text.match(/CH-\d{4}/g) ?? [];
    if (cited.length !== 1 || cited[0] !== changeId) say(`does not cite ${changeId} alone`);
    if (seen.has(changeId)) say(`is about ${changeId} once more`);
    seen.add(changeId);
    if (/https?:|www\.|[<>@]/i.test(text)) say("has an address or markup in it");
  });
  return found.slice(0, 20);
}
