import { createHash } from "node:crypto";
import { endStatusOf } from "../event.ts";
import { keyedHash, sha256 } from "../hash.ts";
import { addressesIn } from "../journal/erase.ts";
import { type Checkpoint, checkpointText } from "./checkpoint.ts";
import { type EvidenceFile, type EvidenceSeal, sealText } from "./evidence.ts";
import type { EvidenceReport, VerifyOptions } from "./report.ts";
import { knownKeys } from "./signer.ts";

/** Checks a file of evidence, as `docs/verify/verify-audit.mjs` does, which shares nothing with it. */

interface Gone {
  readonly line: number;
  readonly stream: string;
  readonly seq: number;
  readonly at: number;
}

/** The members of a seal, in order: a signature under another name is none, and is not overlooked. */
const sealForm = /^lines,hash,run,entries,head,marks,completeness(,keyId,signature)?$/;

/** Its form, and the members by which everything below it is looked up. */
function isFile(file: Partial<EvidenceFile> | undefined): file is EvidenceFile {
  const isNamed = typeof file?.run === "string" && typeof file.tenant === "string";
  return isNamed && file.format === "remit-evidence/1" && Array.isArray(file.whole);
}

class Fault extends Error {
  readonly line: number;
  readonly place: { readonly stream: string; readonly seq: number } | undefined;

  constructor(line: number, reason: string, stream?: string, seq?: number) {
    super(reason);
    this.line = line;
    this.place = stream === undefined || seq === undefined ? undefined : { stream, seq };
  }
}

type Members = { readonly [member: string]: unknown };

/** As `verifyEvidence`. */
export async function checkEvidence(
  lines: AsyncIterable<string> | Iterable<string>,
  options: VerifyOptions,
): Promise<EvidenceReport> {
  const check = new Check(options);
  try {
    for await (const line of lines) check.take(line.endsWith("\n") ? line.slice(0, -1) : line);
    return { ok: true, ...check.close() };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const fault = { line: thrown.line, ...thrown.place, reason: thrown.message };
    return { ok: false, ...check.found(), fault };
  }
}

class Check {
  readonly #keys: ReturnType<typeof knownKeys>;
  readonly #hasKeys: boolean;
  readonly #tenantKey: string | undefined;
  readonly #streams = new Map<string, { readonly seq: number; readonly hash: string }>();
  readonly #hashes = [""];
  readonly #marks = new Map<number, { readonly mark: string; readonly seq: number | undefined }>();
  readonly #all = createHash("sha256");
  readonly #erased: Gone[] = [];
  readonly #erasures: { readonly before?: number; readonly through: number }[] = [];
  readonly #notes: string[] = [];
  #number = 0;
  #file: EvidenceFile | undefined;
  #own = "";
  #payload: { readonly address: string; readonly chars: number; readonly seq: number; readonly at: number } | undefined;
  #ended = false;
  #seal: EvidenceSeal | undefined;
  #covered = 0;
  #payloads = 0;

  constructor({ keys = [], tenantKey }: VerifyOptions) {
    this.#keys = knownKeys(keys);
    this.#hasKeys = keys.length > 0;
    this.#tenantKey = tenantKey;
  }

  get #entries(): number {
    return this.#hashes.length - 1;
  }

  found() {
    const { completeness } = this.#seal ?? {};
    return {
      run: this.#file?.run ?? "",
      entries: this.#entries,
      head: this.#hashes.at(-1) ?? "",
      ...(completeness === undefined ? {} : { completeness }),
      notes: [...this.#notes],
    };
  }

  take(row: string): void {
    const number = ++this.#number;
    const own = this.#own;
    const next = this.#entries + 1;
    if (this.#seal) throw new Fault(number, "it stands behind the seal");
    const line = number === 1 ? this.#begin(row) : membersOf(row);
    if (!line) throw new Fault(number, "it is not readable", own, next);
    const payload = this.#payload;
    if (payload && line.blob !== payload.address)
      throw new Fault(number, "the payload of the entry before it is missing", own, payload.seq);
    if (number === 1) this.#mark(row, undefined);
    if (line.seal) return this.#close(row, line.seal as EvidenceSeal);
    this.#all.update(`${row}\n`);
    if (number === 1) return;
    if (line.blob !== undefined) return this.#blob(row, line);
    this.#entry(row, line);
  }

  close() {
    const own = this.#own;
    const { seq } = this.#payload ?? {};
    if (seq !== undefined) throw new Fault(this.#number + 1, "the payload of the last entry is missing", own, seq);
    if (!this.#file) throw new Fault(1, "it does not begin as evidence in the format remit-evidence/1");
    if (!this.#seal) throw new Fault(this.#number + 1, "the file is cut off: it has no seal", own, this.#entries + 1);
    const silent = this.#erased.find(
      (gone) =>
        !this.#erasures.some(
          ({ before, through }) =>
            (before === undefined || gone.at < before) && (gone.stream !== own || gone.seq <= through),
        ),
    );
    if (silent) throw new Fault(silent.line, "it was erased, and no entry says by whom", silent.stream, silent.seq);
    if (this.#entries === 0) throw new Fault(this.#number, "it holds no entry of its run", own, 1);
    const notes = this.#notes;
    if (!this.#ended) notes.push("the run had not ended when this was exported, or its end was cut off before");
    if (this.#covered === 0)
      notes.push("no checkpoint covers the run: a tail that was cut off before the export is not seen");
    else if (this.#covered < this.#entries)
      notes.push(`entries ${this.#covered + 1} to ${this.#entries} are covered by no checkpoint`);
    if (!this.#hasKeys) notes.push("no key was given: signatures were not checked");
    if (this.#tenantKey === undefined && this.#payloads > 0)
      notes.push("without the tenant's key, payloads are held to the seal and not to their addresses");
    if (this.#erased.length > 0)
      notes.push(`${this.#erased.length} bodies were erased, as entries of the tenant's audit stream say`);
    return this.found();
  }

  #begin(row: string): Members | undefined {
    const line = membersOf(row);
    const file = line?.file as EvidenceFile | undefined;
    if (!isFile(file)) throw new Fault(1, "it does not begin as evidence in the format remit-evidence/1");
    this.#file = file;
    this.#own = `run/${file.run}`;
    return line;
  }

  #mark(row: string, seq: number | undefined): void {
    this.#marks.set(this.#number, { mark: sha256(`${row}\n`), seq });
  }

  #close(row: string, seal: EvidenceSeal): void {
    const number = this.#number;
    const own = this.#own;
    for (const [place, { mark, seq }] of this.#marks) {
      if (seal.marks?.[place] !== mark) throw new Fault(place, "it is not what was sealed", own, seq);
    }
    const { lines, hash, run, entries, head } = seal;
    if (lines !== number - 1 || run !== this.#file?.run || entries !== this.#entries || head !== this.#hashes.at(-1)) {
      const reason = `it seals ${lines} lines and ${entries} entries; here are others`;
      throw new Fault(number, reason, own, this.#entries + 1);
    }
    if (hash !== this.#all.digest("base64url")) throw new Fault(number, "the file is not what it seals");
    const isForm = row === JSON.stringify({ seal }) && sealForm.test(Object.keys(seal).join());
    if (!isForm) throw new Fault(number, "it is not written as seals are");
    if (seal.signature === undefined) {
      if (this.#hasKeys) this.#notes.push("the file as a whole is not signed");
    } else this.#signed(sealText(seal), seal.keyId, seal.signature, "the seal");
    this.#seal = seal;
  }

  #signed(text: string, keyId: unknown, signature: unknown, what: string): void {
    if (!this.#hasKeys) return;
    const fits = this.#keys.check(text, String(keyId), String(signature));
    if (fits === undefined)
      throw new Fault(this.#number, `${what}: it is signed by the key ${keyId}, which was not given`);
    if (!fits) throw new Fault(this.#number, `${what}: its signature does not fit`);
  }

  #blob(row: string, { blob, text }: Members): void {
    const number = this.#number;
    const payload = this.#payload;
    if (!payload) throw new Fault(number, "no entry names this payload", this.#own, this.#entries + 1);
    this.#mark(row, payload.seq);
    const { seq, at } = payload;
    if (text === undefined) this.#erased.push({ line: number, stream: this.#own, seq, at });
    else {
      this.#payloads++;
      if (typeof text !== "string" || text.length !== payload.chars)
        throw new Fault(number, "the payload is not as long as its entry says", this.#own, seq);
      if (this.#tenantKey !== undefined && keyedHash(this.#tenantKey, `blob\n${text}`) !== blob)
        throw new Fault(number, "the payload does not fit its address", this.#own, seq);
    }
    this.#payload = undefined;
  }

  #entry(row: string, { stream, line: stored, ...rest }: Members): void {
    const number = this.#number;
    const own = this.#own;
    const file = this.#file as EvidenceFile;
    const part = typeof stored === "string" ? stored.split("\t") : [];
    if (typeof stream !== "string" || part.length !== 5 || Object.keys(rest).length > 0)
      throw new Fault(number, "it is no line of evidence", own, this.#entries + 1);
    const [headerText = "", commitment = "", hash = "", salt = "", bodyText = ""] = part;
    const isWhole = file.whole?.includes(stream);
    const before = this.#streams.get(stream) ?? { seq: 0, hash: "" };
    const wanted = before.seq + 1;
    const header = membersOf(headerText) as { seq: number; type: string; at: number } | undefined;
    const body = bodyText === "" ? {} : membersOf(bodyText);
    if (!header || !body) throw new Fault(number, "its header or body is not readable", stream, wanted);
    const { seq, type, at } = header;
    if (isWhole ? seq !== wanted : !(seq > before.seq))
      throw new Fault(number, `its place is taken by entry ${seq}`, stream, wanted);
    const isErased = salt === "" && bodyText === "";
    if (!isErased && sha256(`${salt}\n${bodyText}`) !== commitment)
      throw new Fault(number, "its body does not fit its commitment", stream, seq);
    const previous = isWhole ? before.hash : body.previous;
    if (previous !== undefined && sha256(`${previous}\n${headerText}\n${commitment}`) !== hash)
      throw new Fault(number, "its hash does not follow from the entry before", stream, seq);
    this.#streams.set(stream, { seq, hash });
    if (!isWhole && previous === undefined) this.#mark(row, undefined);
    if (isErased && isWhole) this.#erased.push({ line: number, stream, seq, at });
    if (stream === own) this.#ownEntry({ seq, type, at, hash, body, bodyText, isErased });
    // What went by classes went from the vault, which is not in the file.
    const isWord = type === "run.erased" && body.run === file.run && body.classes === undefined;
    if (isWord) this.#erasures.push(body as unknown as { through: number });
    if (type === "checkpoint.signed" && body.stream === own) this.#checkpoint(at, body);
  }

  #ownEntry(entry: {
    readonly seq: number;
    readonly type: string;
    readonly at: number;
    readonly hash: string;
    readonly body: Members;
    readonly bodyText: string;
    readonly isErased: boolean;
  }): void {
    const { seq, type, at, hash, body, bodyText, isErased } = entry;
    const own = this.#own;
    if (this.#ended) throw new Fault(this.#number, "it stands behind the end of its run", own, seq);
    this.#ended = endStatusOf(type) !== undefined;
    this.#hashes.push(hash);
    const [address] = addressesIn(bodyText);
    if (address !== undefined) this.#payload = { address, chars: body.chars as number, seq, at };
    if ((seq === 1) !== (type === "run.started"))
      throw new Fault(this.#number, "a run begins with run.started, once", own, seq);
    if (seq !== 1 || isErased || address !== undefined) return;
    for (const fact of ["definitionHash", "supervisor", "policyVersion"] as const) {
      if (body[fact] === undefined || body[fact] === this.#file?.[fact]) continue;
      throw new Fault(1, `it says ${fact} ${this.#file?.[fact]}, the run's first entry says ${body[fact]}`, own, 1);
    }
  }

  #checkpoint(at: number, body: Members): void {
    const own = this.#own;
    const { seq: stood, hash, previous, keyId, signature } = body as unknown as Checkpoint;
    const text = checkpointText(this.#file?.tenant ?? "", at, { stream: own, seq: stood, hash, previous });
    this.#signed(text, keyId, signature, `the checkpoint of entry ${stood}`);
    const next = this.#entries + 1;
    if (stood >= next) {
      const reason = `it is missing: a checkpoint names entry ${stood}, and the run ends with entry ${next - 1}`;
      throw new Fault(this.#number, reason, own, next);
    }
    if (this.#hashes[stood] !== hash) {
      const first = this.#covered + 1;
      throw new Fault(this.#number, `entries ${first} to ${stood} are not those that were checkpointed`, own, first);
    }
    this.#covered = Math.max(this.#covered, stood);
  }
}

function membersOf(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
}
