/**
 * Labels name where data came from, or of which class it is (R9, D10). They are plain texts:
 *
 * - `user`, `operator`, `service`: whose word it is, by the kind of a principal; `trusted` and `trusted:…` likewise;
 * - `tool:<name>`: a tool that says nothing else of its answers, and so is taken at its word;
 * - `sensitive`, `sensitive:<class>`: what class of data it is; says nothing of whom it came from;
 * - `extracted:<agent>`: read out of something by an agent that can only say narrow values;
 * - anything else (`web`, `mcp:crm`, `document`) is foreign: somebody else may have written it.
 */

const ownLabels: ReadonlySet<string> = new Set(["user", "operator", "service", "trusted"]);
const extracted = "extracted:";

/** True for a label of a class of data, which not everybody may see. */
export function isSensitive(label: string): boolean {
  return label === "sensitive" || label.startsWith("sensitive:");
}

/** True for a label of what somebody else may have written. @param trusted labels that the operator trusts all the same */
export function isForeign(label: string, trusted: readonly string[] = []): boolean {
  return !(
    ownLabels.has(label) ||
    isSensitive(label) ||
    label.startsWith("trusted:") ||
    label.startsWith("tool:") ||
    trusted.includes(label)
  );
}

/** True for a label of text that could tell an agent what to do. Narrow values cannot. */
export function isSteering(label: string, trusted: readonly string[] = []): boolean {
  return isForeign(label, trusted) && !label.startsWith(extracted);
}

export function extractedBy(agent: string): string {
  return `${extracted}${agent}`;
}
