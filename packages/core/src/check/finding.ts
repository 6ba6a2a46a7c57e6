import { type ErrorData, fill } from "../errors.ts";
import { checkErrorCodes } from "./errors.ts";

export type FindingCode = keyof typeof checkErrorCodes;

/** One thing that is wrong with a supervisor, before anything has started. Plain data. */
export interface Finding {
  readonly code: FindingCode;
  /** `error`: it will go wrong; `warning`: it is most likely not what was meant. */
  readonly severity: "error" | "warning";
  /** The way to it by names: supervisor, agents, tool. */
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
  readonly data: ErrorData;
}

export function makeFinding(code: FindingCode, path: readonly string[], data: ErrorData): Finding {
  const { severity, message, hint } = checkErrorCodes[code];
  return { code, severity, path, message: fill(message, data), hint: fill(hint, data), data };
}

/** Errors first, then by code and path: the same definition gives the same list. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const keyOf = ({ severity, code, path }: Finding) => `${severity}\n${code}\n${path.join("\n")}`;
  return findings
    .map((finding) => ({ finding, key: keyOf(finding) }))
    .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
    .map(({ finding }) => finding);
}
