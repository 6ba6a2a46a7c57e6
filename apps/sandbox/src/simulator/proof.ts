import { createPrivateKey } from "node:crypto";
import {
  type CheckpointOptions,
  ed25519Signer,
  exportEvidence,
  type Journal,
  publicKeyOf,
  type Signer,
  verifyEvidence,
} from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { draw } from "./random.ts";
import { checkpointSpec } from "./specs.ts";

/** What a PKCS #8 document of an Ed25519 key says before the key's 32 bytes (RFC 8410). */
const ahead = Buffer.from("302e020100300506032b657004220420", "hex");

/** The operator's key of a seed, as PEM. */
function privateKeyOf(seed: number): string {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => Math.floor(draw(seed, "key", index) * 256)));
  const key = createPrivateKey({ key: Buffer.concat([ahead, bytes]), format: "der", type: "pkcs8" });
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

/** How the runs of a seed are checkpointed, where they are. */
export function checkpointsOf(seed: number): CheckpointOptions | undefined {
  const every = checkpointSpec(seed);
  return every && { signer: ed25519Signer(privateKeyOf(seed)), every };
}

/** R1: what an auditor is given of a run holds, with every checkpoint that any process has signed of it. */
export async function assertProven(
  { known: { tenant, id: runId }, fault }: Audited,
  { seed, checkpointed }: Evidence,
  journal: Journal,
): Promise<void> {
  const checkpoints = checkpointsOf(seed);
  if (!checkpoints) return;
  const signer: Signer = checkpoints.signer;
  const by = { id: "audit", kind: "service", roles: [], authenticated: true } as const;
  const lines = exportEvidence(journal, { tenant, runId }, { by, at: 0, signer });
  const keys = [publicKeyOf(privateKeyOf(seed))];
  const report = await verifyEvidence(lines, { keys, tenantKey: await journal.tenantKey(tenant) });
  if (!report.ok) {
    const { line, seq, reason } = report.fault ?? {};
    return fault("R1", `line ${line} of its evidence${seq === undefined ? "" : `, entry ${seq}`}: ${reason}`);
  }
  // A process that dies between an end and its checkpoint leaves none behind, and one that could not write it says so.
  const bare = checkpointed ? report.notes.find((note) => note.includes("checkpoint")) : undefined;
  if (bare !== undefined) fault("R1", `nobody has died or said so, and ${bare}`);
}
