#!/usr/bin/env node
// Checks a file of evidence of one run. Plain Node 20 or newer, nothing else; docs/guides/audit.md describes the format.
//   node verify-audit.mjs <file> [--key <public.pem>]... [--tenant-key <file>]
// Exit codes: 0 everything holds, 1 something is not what was written, 2 wrong usage or no such file.
import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";

const sha256 = (text) => createHash("sha256").update(text, "utf8").digest("base64url");
const usage = "node verify-audit.mjs <file> [--key <public.pem>]... [--tenant-key <file>]";
const end = /^run\.(completed|denied|escalated|failed|cancelled)$/;

/** The first fault in the file: its line, and the entry where one can be named. */
class Fault extends Error {
  constructor(reason, line, stream, seq) {
    super(reason);
    this.where = { line, stream, seq };
  }
}
function must(holds, ...fault) {
  if (!holds) throw new Fault(...fault);
}
const isText = (value) => typeof value === "string";
function read(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Public keys by their names, which are their thumbprints (RFC 7638). */
function keysOf(pems) {
  const keys = pems.map((pem) => createPublicKey(pem));
  const named = keys.map((key) => [key.export({ format: "jwk" }), key]);
  return new Map(named.map(([{ crv, kty, x }, key]) => [sha256(JSON.stringify({ crv, kty, x })), key]));
}
function mustBeSigned(keys, text, { keyId, signature }, what, line) {
  if (keys.size === 0) return;
  must(keys.has(keyId), `${what}: it is signed by the key ${keyId}, which was not given`, line);
  const bytes = Buffer.from(String(signature), "base64url");
  const fits = bytes.toString("base64url") === signature && verify(null, Buffer.from(text), keys.get(keyId), bytes);
  must(fits, `${what}: its signature does not fit`, line);
}

/** Keys are PEM. Gives { ok, run, entries, head, fault?: { line, stream?, seq?, reason }, notes: what was not checked }. */
export function verifyEvidence(text, { keys = [], tenantKey } = {}) {
  const state = { run: "", entries: 0, head: "", notes: [] };
  try {
    check(text, state, keysOf(keys), tenantKey);
    return { ok: true, ...state };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { ok: false, ...state, fault: { ...thrown.where, reason: thrown.message } };
  }
}

function check(text, state, keys, tenantKey) {
  const rows = text.split("\n");
  if (rows.at(-1) === "") rows.pop();
  const file = read(rows[0])?.file;
  const isForm = file?.format === "remit-evidence/1" && isText(file.run) && isText(file.tenant);
  must(isForm && Array.isArray(file.whole), "it does not begin as evidence in the format remit-evidence/1", 1);
  const own = `run/${file.run}`;
  state.run = file.run;
  const streams = new Map(); // name → seq and hash of the last entry
  const hashes = [""]; // of the run's entries, by seq
  const marks = [{ line: 1, mark: sha256(`${rows[0]}\n`) }]; // lines that no chain covers
  const [erased, erasures] = [[], []];
  const all = createHash("sha256");
  let payload; // that the next line has to bring
  let [ended, sealed, covered] = [false, false, 0];
  for (const [index, row] of rows.entries()) {
    const number = index + 1;
    const next = state.entries + 1;
    must(!sealed, "it stands behind the seal", number);
    const line = read(row);
    must(line, "it is not readable", number, own, next);
    const isPayload = !payload || line.blob === payload.address;
    must(isPayload, "the payload of the entry before it is missing", number, own, payload?.seq);
    if (line.seal) {
      const { lines, hash, run, entries, head, completeness, signature } = line.seal;
      for (const one of marks) {
        must(line.seal.marks?.[one.line] === one.mark, "it is not what was sealed", one.line, one.seq && own, one.seq);
      }
      const isWhole = lines === index && run === file.run && entries === state.entries && head === state.head;
      must(isWhole, `it seals ${lines} lines and ${entries} entries; here are others`, number, own, next);
      must(hash === all.digest("base64url"), "the file is not what it seals", number);
      const isForm = /^lines,hash,run,entries,head,marks,completeness(,keyId,signature)?$/.test(Object.keys(line.seal));
      must(isForm && row === JSON.stringify({ seal: line.seal }), "it is not written as seals are", number);
      const plain = JSON.stringify([lines, hash, run, entries, head, line.seal.marks, completeness]);
      if (signature) mustBeSigned(keys, `remit evidence 1\n${sha256(plain)}`, line.seal, "the seal", number);
      else if (keys.size > 0) state.notes.push("the file as a whole is not signed");
      sealed = true;
      continue;
    }
    all.update(`${row}\n`);
    if (index === 0) continue;
    if (line.blob !== undefined) {
      must(payload, "no entry names this payload", number, own, next);
      const [{ seq, at, chars }, said] = [payload, line.text];
      marks.push({ line: number, mark: sha256(`${row}\n`), seq });
      if (said === undefined) erased.push({ line: number, stream: own, seq, at });
      else {
        must(isText(said) && said.length === chars, "the payload is not as long as its entry says", number, own, seq);
        const hmac = tenantKey && createHmac("sha256", tenantKey).update(`blob\n${said}`).digest("base64url");
        must(!hmac || hmac === line.blob, "the payload does not fit its address", number, own, seq);
      }
      payload = undefined;
      continue;
    }
    const { stream, line: stored, ...rest } = line;
    const part = isText(stored) ? stored.split("\t") : [];
    const isLine = isText(stream) && part.length === 5 && Object.keys(rest).length === 0;
    must(isLine, "it is no line of evidence", number, own, next);
    const [headerText, commitment, hash, salt, bodyText] = part;
    const isWhole = file.whole?.includes(stream);
    const before = streams.get(stream) ?? { seq: 0, hash: "" };
    const header = read(headerText);
    const body = bodyText === "" ? {} : read(bodyText);
    must(header && body, "its header or body is not readable", number, stream, before.seq + 1);
    const { seq, type, at } = header;
    const isNext = isWhole ? seq === before.seq + 1 : seq > before.seq;
    must(isNext, `its place is taken by entry ${seq}`, number, stream, before.seq + 1);
    const isErased = salt === "" && bodyText === "";
    const said = isErased ? commitment : sha256(`${salt}\n${bodyText}`);
    must(said === commitment, "its body does not fit its commitment", number, stream, seq);
    const previous = isWhole ? before.hash : body.previous;
    const isLinked = previous === undefined || sha256(`${previous}\n${headerText}\n${commitment}`) === hash;
    must(isLinked, "its hash does not follow from the entry before", number, stream, seq);
    streams.set(stream, { seq, hash });
    if (previous === undefined) marks.push({ line: number, mark: sha256(`${row}\n`) });
    if (isErased && isWhole) erased.push({ line: number, stream, seq, at });
    if (stream === own) {
      must(!ended, "it stands behind the end of its run", number, own, seq);
      ended = end.test(type);
      Object.assign(state, { entries: seq, head: hash });
      hashes.push(hash);
      if (body.$blob !== undefined) payload = { address: body.$blob, chars: body.chars, seq, at };
      must((seq === 1) === (type === "run.started"), "a run begins with run.started, once", number, own, seq);
      for (const fact of seq === 1 ? ["definitionHash", "supervisor", "policyVersion"] : []) {
        const fits = [undefined, file[fact]].includes(body[fact]);
        must(fits, `it says ${fact} ${file[fact]}, the run's first entry says ${body[fact]}`, 1, own, 1);
      }
    }
    if (type === "run.erased" && body.run === file.run && body.classes === undefined) erasures.push(body); // else: the vault's
    if (type !== "checkpoint.signed" || body.stream !== own) continue;
    const signed = ["remit checkpoint 1", file.tenant, own, body.seq, body.hash, at, body.previous].join("\n");
    mustBeSigned(keys, signed, body, `the checkpoint of entry ${body.seq}`, number);
    const missing = `it is missing: a checkpoint names entry ${body.seq}, and the run ends with entry ${state.entries}`;
    must(body.seq <= state.entries, missing, number, own, next);
    const others = `entries ${covered + 1} to ${body.seq} are not those that were checkpointed`;
    must(hashes[body.seq] === body.hash, others, number, own, covered + 1);
    covered = Math.max(covered, body.seq);
  }
  must(!payload, "the payload of the last entry is missing", rows.length + 1, own, payload?.seq);
  must(sealed, "the file is cut off: it has no seal", rows.length + 1, own, state.entries + 1);
  const isTold = ({ seq, at, stream }) =>
    erasures.some(({ before, through }) => (before ?? at + 1) > at && (stream !== own || seq <= through));
  const silent = erased.find((gone) => !isTold(gone));
  must(!silent, "it was erased, and no entry says by whom", silent?.line, silent?.stream, silent?.seq);
  must(state.entries > 0, "it holds no entry of its run", rows.length, own, 1);
  const tell = (isSo, note) => isSo && state.notes.push(note);
  tell(!ended, "the run had not ended when this was exported, or its end was cut off before");
  tell(covered === 0, "no checkpoint covers the run: a tail that was cut off before the export is not seen");
  const uncovered = covered > 0 && covered < state.entries;
  tell(uncovered, `entries ${covered + 1} to ${state.entries} are covered by no checkpoint`);
  tell(keys.size === 0, "no key was given: signatures were not checked");
  const unheld = !tenantKey && rows.some((row) => row.startsWith('{"blob":'));
  tell(unheld, "without the tenant's key, payloads are held to the seal and not to their addresses");
  tell(erased.length > 0, `${erased.length} bodies were erased, as entries of the tenant's audit stream say`);
}

function main(words) {
  const files = [];
  const options = { keys: [], tenantKey: undefined };
  let report;
  try {
    for (let index = 0; index < words.length; index++) {
      if (words[index] === "--key") options.keys.push(readFileSync(words[++index], "utf8"));
      else if (words[index] === "--tenant-key") options.tenantKey = readFileSync(words[++index], "utf8").trim();
      else files.push(words[index]);
    }
    if (files.length !== 1) throw new Error("one file is checked at a time");
    report = verifyEvidence(readFileSync(files[0], "utf8"), options);
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}\n`);
    return 2;
  }
  const { line, stream, seq, reason } = report.fault ?? {};
  const held = `${report.run}: ${report.entries} entries hold, hash ${report.head}`;
  const verdict = report.ok ? held : `line ${line}${seq ? `, entry ${seq} of ${stream}` : ""}: ${reason}`;
  process.stdout.write([...report.notes.map((note) => `note: ${note}`), verdict, ""].join("\n"));
  return report.ok ? 0 : 1;
}

const program = process.argv[1] && pathToFileURL(realpathSync(process.argv[1])).href;
if (program === import.meta.url) process.exitCode = main(process.argv.slice(2));
