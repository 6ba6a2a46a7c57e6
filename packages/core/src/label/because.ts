import type { FlowFinding } from "./flow.ts";
import type { Source } from "./reading.ts";

/** Why a person is asked, in a sentence for them. */
export function becauseText({ why, argument = "", value, from }: FlowFinding): string {
  const shown = value === undefined ? (why === "untrusted" ? " is empty" : "") : ` is ${JSON.stringify(value)}`;
  const name = argument.slice(1).replaceAll("/", " ");
  switch (why) {
    case "untrusted":
      return from.length > 0
        ? `${name}${shown}, which comes from ${sourcesText(from)}`
        : `${name}${shown}, which nobody has said: the agent made it of what it had read`;
    case "control":
      return `the agent wants it after it has read ${sourcesText(from)}, and no plan from before announced it`;
    case "egress":
      return `${name}${shown}, and may hold what ${sourcesText(from)} said, for which the tool is not cleared`;
  }
}

function sourcesText(from: readonly Source[]): string {
  const named = from.map(({ source, labels }) => (labels.length > 0 ? `${source} (${labels.join(", ")})` : source));
  return [...new Set(named)].join(", ") || "what others wrote";
}
