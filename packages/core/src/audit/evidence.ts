import { leftStream } from "../approval/left.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry, RunStatus } from "../event.ts";
import { sha256 } from "../hash.ts";
import { addressesIn } from "../journal/erase.ts";
import { streamName } from "../journal/link.ts";
import { nodeCrypto } from "../node-crypto.ts";
import { firstPolicyVersion } from "../policy-version.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import type { Signer } from "../port/signer.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { addressOf } from "../run/blob.ts";
import { undoRuns } from "../run/undo-runs.ts";
import { disclosureStream } from "../seal/disclosures.ts";
import { checkpointStream } from "./checkpoint.ts";
import { type Completeness, completenessTally } from "./completeness.ts";
import { erasureStream } from "./erasure.ts";

/**
 * One run as evidence: a text file of JSON lines that `docs/verify/verify-audit.mjs` checks without code of ours.
 *
 * First a line about the file, then the run's entries, each as the very text that is stored, with the payloads that lie
 * under an address behind the entry that names them; then what belongs to the run and stands elsewhere; last a seal. The
 * seal covers what no chain does, and is signed where a signer is given.
 */
export interface EvidenceFile {
  readonly format: "remit-evidence/1";
  readonly tenant: string;
  readonly run: string;
  readonly supervisor: string;
  readonly definitionHash: string;
  readonly policyVersion: string;
  /** When the run was exported, not when it ended. */
  readonly status: RunStatus;
  /** Who started the run; absent when that was erased. */
  readonly startedBy?: Principal;
  readonly startedAt: number;
  /** Epoch ms. */
  readonly exportedAt: number;
  readonly exportedBy: Principal;
  /** Streams that are here from their first entry on. Of others, what belongs to the run. */
  readonly whole: readonly string[];
  /** Runs that undo writes of this one; each has evidence of its own. */
  readonly undoneBy?: readonly string[];
}

export interface EvidenceOptions {
  /** Who exports. */
  readonly by: Principal;
  /** Epoch ms. */
  readonly at: number;
  /** Signs the file as a whole. */
  readonly signer?: Signer;
  /** Batches that are in memory at a time; 64 when absent. */
  readonly pageBatches?: number;
}

/**
 * The lines of a run's evidence, each with its line break, read page by page. Values are as the journal has them: who may
 * read the run may read the file.
 * @throws OrchestrationError `run/unknown`, `journal/unavailable`, `journal/broken-chain` for a line that cannot be read or a
 *   payload that does not fit its address, which only who has the journal can see; and what the signer throws
 */
export async function* exportEvidence(
  journal: Journal,
  { tenant, runId }: RunKey,
  { by, at, signer, pageBatches = 64 }: EvidenceOptions,
): AsyncGenerator<string, void, void> {
  const record = await journal.findRun(tenant, runId);
  if (!record) throw new OrchestrationError("run/unknown", { run: runId, tenant });
  const own: StreamKey = { tenant, kind: "run", id: runId };
  const said = leftStream({ tenant, runId });
  const undoneBy = (await undoRuns(journal, { tenant, runId }, record.supervisor)).map((undo) => undo.runId);
  const started = await firstEntry(journal, own);
  const about: EvidenceFile = {
    format: "remit-evidence/1",
    tenant,
    run: runId,
    supervisor: started.body.supervisor ?? record.supervisor,
    definitionHash: started.body.definitionHash ?? record.definitionHash,
    policyVersion: started.body.policyVersion ?? firstPolicyVersion,
    status: record.status,
    ...(started.body.principal === undefined ? {} : { startedBy: started.body.principal }),
    startedAt: started.at,
    exportedAt: at,
    exportedBy: plainPrincipal(by),
    whole: [nameOf(own), nameOf(said)],
    ...(undoneBy.length === 0 ? {} : { undoneBy }),
  };
  const seal = sealing(runId);
  yield seal.add(`${JSON.stringify({ file: about })}\n`, true);

  const tally = completenessTally();
  let expected = 0;
  for await (const stored of storedLines(journal, own, pageBatches)) {
    expected++;
    yield seal.add(lineOf(own, stored), false);
    const { header, hash, body } = partsOf(stored, own, expected);
    seal.entry(header.seq, hash);
    let text: string | undefined = body;
    for (const address of addressesIn(body)) {
      text = await payloadAt(journal, own, header.seq, address);
      yield seal.add(`${JSON.stringify({ blob: address, ...(text === undefined ? {} : { text }) })}\n`, true);
    }
    tally.take({ ...header, body: bodyOf(text, own, expected) } as Entry);
  }
  for await (const stored of storedLines(journal, said, pageBatches)) yield seal.add(lineOf(said, stored), false);
  const mention = JSON.stringify({ run: runId }).slice(1, -1);
  const beside: readonly (readonly [StreamKey, string])[] = [
    [{ tenant, kind: "dead-letters", id: "letters" }, mention],
    [erasureStream(tenant), mention],
    [disclosureStream({ tenant, runId }), mention],
    [checkpointStream(tenant), JSON.stringify({ stream: nameOf(own) }).slice(1, -1)],
  ];
  for (const [key, belongs] of beside) {
    for await (const stored of storedLines(journal, key, pageBatches)) {
      // A checkpoint carries the hash before it, so its line is covered by itself.
      if (stored.includes(belongs)) yield seal.add(lineOf(key, stored), key.kind !== "checkpoints");
    }
  }
  yield await seal.close(tally.close(), signer);
}

/** What the last line of a file holds. */
export interface EvidenceSeal {
  /** Lines before it. */
  readonly lines: number;
  /** SHA-256 of them. */
  readonly hash: string;
  readonly run: string;
  /** The run's entries and the hash of the last one. */
  readonly entries: number;
  readonly head: string;
  /** SHA-256 of each line that no chain covers, by its number from 1: so that the one that was changed can be named. */
  readonly marks: { readonly [line: string]: string };
  readonly completeness: { readonly present: number; readonly required: number };
  readonly keyId?: string;
  readonly signature?: string;
}

/** The text that a seal's signature covers. */
export function sealText({ lines, hash, run, entries, head, marks, completeness }: EvidenceSeal): string {
  return `remit evidence 1\n${sha256(JSON.stringify([lines, hash, run, entries, head, marks, completeness]))}`;
}

function sealing(run: string) {
  const all = nodeCrypto().createHash("sha256");
  const marks: { [line: string]: string } = {};
  let lines = 0;
  let entries = 0;
  let head = "";
  return {
    add: (line: string, loose: boolean): string => {
      lines++;
      all.update(line);
      if (loose) marks[lines] = sha256(line);
      return line;
    },
    entry: (seq: number, hash: string): void => {
      entries = seq;
      head = hash;
    },
    close: async ({ present, required }: Completeness, signer: Signer | undefined): Promise<string> => {
      const hash = all.digest("base64url");
      const plain: EvidenceSeal = { lines, hash, run, entries, head, marks, completeness: { present, required } };
      if (!signer) return `${JSON.stringify({ seal: plain })}\n`;
      const signature = await signer.sign(sealText(plain));
      return `${JSON.stringify({ seal: { ...plain, keyId: signer.keyId, signature } })}\n`;
    },
  };
}

async function* storedLines(journal: Journal, key: StreamKey, most: number): AsyncGenerator<string, void, void> {
  let seq = 0;
  for (;;) {
    const page = await journal.read(key, seq + 1, most);
    for (const { lines, lastSeq } of page) {
      for (const line of lines.split("\n")) if (line !== "") yield line;
      seq = lastSeq;
    }
    if (page.length === 0) return;
  }
}

function lineOf(key: StreamKey, line: string): string {
  return `${JSON.stringify({ stream: nameOf(key), line })}\n`;
}

/** A stream's name within its tenant. */
function nameOf({ tenant, ...key }: StreamKey): string {
  return streamName({ tenant, ...key }).slice(tenant.length + 1);
}

function partsOf(line: string, key: StreamKey, seq: number) {
  const [header = "", , hash = "", , body = ""] = line.split("\t");
  return { header: read(header, key, seq) as Pick<Entry, "seq" | "type" | "at" | "path" | "cause">, hash, body };
}

/** What was erased is empty. */
function bodyOf(text: string | undefined, key: StreamKey, seq: number): unknown {
  return text === undefined || text === "" ? {} : read(text, key, seq);
}

function read(text: string, key: StreamKey, seq: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken(key, seq, "the line is not readable");
  }
}

/** A verifier without the tenant's key cannot tell, so nobody is given what is not what was stored. */
async function payloadAt(journal: Journal, key: StreamKey, seq: number, address: string): Promise<string | undefined> {
  const text = await journal.getBlob(key.tenant, address);
  if (text === undefined || addressOf(await journal.tenantKey(key.tenant), text) === address) return text;
  throw broken(key, seq, "its payload does not fit its address");
}

function broken({ id: stream }: StreamKey, seq: number, reason: string): OrchestrationError {
  return new OrchestrationError("journal/broken-chain", { seq, stream, reason });
}

/** The run's start, as far as it was not erased. */
async function firstEntry(journal: Journal, key: StreamKey) {
  for await (const line of storedLines(journal, key, 1)) {
    const { header, body } = partsOf(line, key, 1);
    const [address] = addressesIn(body);
    const text = address === undefined ? body : await payloadAt(journal, key, header.seq, address);
    return { ...header, body: bodyOf(text, key, 1) as Partial<Entry<"run.started">["body"]> };
  }
  throw broken(key, 1, "it is missing");
}
