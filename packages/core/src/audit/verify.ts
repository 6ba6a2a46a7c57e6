import type { EvidenceReport, VerifyOptions } from "./report.ts";

/**
 * @param lines of the file, with or without their line breaks, in order
 * @throws OrchestrationError `audit/key-invalid`; never for what the file holds
 */
export async function verifyEvidence(
  lines: AsyncIterable<string> | Iterable<string>,
  options: VerifyOptions = {},
): Promise<EvidenceReport> {
  // Loaded when it is asked for: whoever runs supervisors verifies elsewhere.
  const { checkEvidence } = await import("./verifying.ts");
  return checkEvidence(lines, options);
}
