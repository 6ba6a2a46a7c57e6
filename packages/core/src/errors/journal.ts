import type { ErrorTable } from "./entry.ts";

/** What goes wrong with what is kept: journals, memories, evidence, sealed values. */
export const journalErrors = {
  "journal/conflict": {
    retryable: true,
    message: "stream {stream} has moved on from entry {expected}; it stands at {actual}",
    hint: "Another writer owns this run; reload it and try again.",
  },
  "journal/broken-chain": {
    retryable: false,
    message: "entry {seq} of stream {stream} is not what was written: {reason}",
    hint: "The journal was changed after the fact; compare with a backup or an export.",
  },
  "journal/foreign-file": {
    retryable: false,
    message: "{path} is not a Remit journal: {reason}",
    hint: "Name another file; this one is left as it is.",
  },
  "journal/newer-version": {
    retryable: false,
    message: "{path} was written by a newer version (format {found}, this one reads up to {supported})",
    hint: "Update Remit, or name another file; this one is left as it is.",
  },
  "journal/unavailable": {
    retryable: true,
    message: "the journal cannot be read or written: {reason}",
    hint: "Free the disk or mend its rights, open a new engine where this one was closed, or go back to a backup where the file is malformed; else what was acknowledged before is safe, and `resume` continues the rest.",
  },
  "journal/blob-missing": {
    retryable: false,
    message: "the payload {address} of stream {stream} is missing",
    hint: "It was erased or lost; the chain still verifies, but the run cannot continue from it.",
  },
  "memory/unavailable": {
    retryable: true,
    message: "the memories in {path} cannot be read or written: {reason}",
    hint: "Check that the file is there, is ours, can be written, and that the disk has room.",
  },
  "audit/key-invalid": {
    retryable: false,
    message: "this is no Ed25519 {half} key",
    hint: "Give a PEM or a JWK. `openssl genpkey -algorithm ed25519` makes a private key, `publicKeyOf` gives its public half.",
  },
  "audit/run-not-ended": {
    retryable: false,
    message: "run {run} is {status}; what it needs to go on is not erased",
    hint: "Cancel the run, or wait for its end.",
  },
  "vault/key-invalid": {
    retryable: false,
    message: "a vault's key has {bytes} bytes; it needs 32",
    hint: "Give 32 random bytes, or the same as 64 hexadecimal digits or as base64.",
  },
  "vault/key-missing": {
    retryable: false,
    message: "values of the run {run} cannot be sealed: the key {key} is not there",
    hint: 'Give the key as `vault.key`, or among `vault.previous` where it was replaced; or mask by `seal: "mask"`.',
  },
} as const satisfies ErrorTable<"journal" | "memory" | "audit" | "vault">;
