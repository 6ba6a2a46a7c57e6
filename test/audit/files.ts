import { generateKeyPairSync } from "node:crypto";
import { type EvidenceReport, ed25519Signer, exportEvidence, operator, publicKeyOf, verifyEvidence } from "@remit/core";
// It has no types, and none of our code.
import { verifyEvidence as verifyAlone } from "../../docs/verify/verify-audit.mjs";
import { goldenKey, goldenRuns, goldenStream, playGolden } from "../golden/runs.ts";

/** Evidence of real runs, and both verifiers. */

const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
export const signer = ed25519Signer(pem);
export const publicKey = publicKeyOf(pem);
export const tenantKey = goldenKey();
export const exportedAt = Date.UTC(2026, 0, 2);

type Golden = (typeof goldenRuns)[number];

/** A golden run with checkpoints, and payloads by reference where they are longer than that. */
export async function playSigned(run: Golden, blobChars = 600) {
  const { journal } = await playGolden(run, { checkpoints: { signer, every: { entries: 8 } }, blobChars });
  return { journal, key: { tenant: "golden", runId: goldenStream(run).id } };
}

export async function evidenceOf(
  { journal, key }: Awaited<ReturnType<typeof playSigned>>,
  signed = true,
): Promise<readonly string[]> {
  const options = { by: operator("auditor"), at: exportedAt, pageBatches: 2, ...(signed ? { signer } : {}) };
  const lines: string[] = [];
  for await (const line of exportEvidence(journal, key, options)) lines.push(line);
  return lines;
}

type Alone = (text: string, options: { keys: readonly string[]; tenantKey?: string }) => EvidenceReport;

/** What both verifiers say. They have to agree. */
export async function verify(
  text: string,
  { keys = [publicKey], key }: { readonly keys?: readonly string[]; readonly key?: string } = {},
): Promise<EvidenceReport> {
  const tenant = key === undefined ? {} : { tenantKey: key };
  const rows = text.split("\n");
  const lines = rows.at(-1) === "" ? rows.slice(0, -1) : rows;
  const ours = await verifyEvidence(lines, { keys, ...tenant });
  const { completeness: _, ...alike } = ours;
  const alone = (verifyAlone as unknown as Alone)(text, { keys, ...tenant });
  if (JSON.stringify(facts(alike)) !== JSON.stringify(facts(alone))) {
    throw new Error(`the verifiers differ:\n${JSON.stringify(alike)}\n${JSON.stringify(alone)}`);
  }
  return ours;
}

function facts({ ok, run, entries, head, fault, notes }: EvidenceReport) {
  const { line, stream, seq, reason } = fault ?? {};
  return [ok, run, entries, head, line, stream, seq, reason, notes];
}

export const golden = (name: string): Golden => {
  const found = goldenRuns.find((run) => run.name === name);
  if (!found) throw new Error(`no golden run ${name}`);
  return found;
};
