import { OrchestrationError } from "../errors.ts";
import type { StreamBodies } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import { streamName } from "../journal/link.ts";
import { once } from "../once.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { type Fold, openStream, type Stream } from "../stream/stream.ts";
import { type NamedKey, type RunCipher, runCipher } from "./cipher.ts";
import { besides } from "./span.ts";
import { makeToken, tokenHint } from "./token.ts";

/**
 * What the tokens of one run stand for. It is a stream beside the run's own, which names the classes that the run holds, and
 * one for the values of each class, so that a class can be erased alone. Values are ciphertexts under the operator's key,
 * which is in no journal.
 *
 * K1 A token is durable here before the entry that holds it is written.
 * K2 Only what stands here is a token. A text that looks like one, whoever made it up, is a value like any other.
 * K3 The same value has the same token as long as the run lasts, whoever seals it.
 * K4 A masked value is nowhere: its token is kept, so that it is not taken for a value, and nothing beside it.
 */
export interface Vault {
  /** The token of a value, made where it has none. It counts when `flush` has resolved. */
  readonly seal: (kind: string, value: string, reversibly: boolean) => string;
  /** Something was sealed that may not be durable yet. */
  readonly isPending: () => boolean;
  /** Makes durable what was sealed. @throws OrchestrationError `journal/unavailable`, `journal/conflict` */
  readonly flush: () => Promise<void>;
  /** Takes in what another process has sealed. */
  readonly refresh: () => Promise<void>;
  /** Where tokens of this run stand in a text, and values that it knows; in order, none over another. */
  readonly known: (text: string) => readonly Known[];
  /** True when a text may hold a token or a known value: quick, and never false for one that does. */
  readonly mayKnow: (text: string) => boolean;
  /** What a token stands for; nothing for a masked one, and where the key for it is not at hand. */
  readonly valueOf: (token: string) => string | undefined;
  /** Why nobody here can have the value of a token: it was masked, or sealed under a key that is not at hand. */
  readonly lackOf: (token: string) => "masked" | "key-missing" | undefined;
  /** Classes whose values were erased; tokens of them are not known any more. */
  readonly erased: () => readonly string[];
  readonly isEmpty: () => boolean;
  /** How many tokens it knows; it never falls. */
  readonly size: () => number;
}

/** Looks for what is refused, and keeps nothing. */
export const noVault: Vault = {
  seal: () => "",
  isPending: () => false,
  flush: async () => {},
  refresh: async () => {},
  known: () => [],
  mayKnow: () => false,
  valueOf: () => undefined,
  lackOf: () => undefined,
  erased: () => [],
  isEmpty: () => true,
  size: () => 0,
};

export interface Known {
  readonly start: number;
  readonly end: number;
  readonly token: string;
  readonly class: string;
  /** The text has the value there, not its token. */
  readonly isValue: boolean;
}

interface Kept {
  readonly token: string;
  readonly class: string;
  readonly value: string | undefined;
  /** There is a value, and no key for it. */
  readonly isLocked: boolean;
}

type Sealed = StreamBodies["value.sealed"]["values"][number];
type Values = Map<string, Sealed & { readonly keyId: string }>;
interface Index {
  /** The operator's key that the run began with. */
  keyId: string | undefined;
  readonly classes: Set<string>;
}

/** The id of a key that lives as long as its process. */
export const passingId = "passing";

/** Shorter values are not looked for in texts: they would be found in every other word. */
const shortest = 5;

export interface VaultOptions {
  readonly key: RunKey;
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
  /** The one that new runs get, then those of before. Empty: everything is masked. */
  readonly keys: readonly NamedKey[];
  /** Names masked values where there is no key; gone with the process. */
  readonly passing: NamedKey;
}

export function vaultStream({ tenant, runId }: RunKey): StreamKey {
  return { tenant, kind: "vault", id: runId };
}

/** Where the values of one class stand. */
export function classStream({ tenant, runId }: RunKey, kind: string): StreamKey {
  return { tenant, kind: "vault", id: `${runId}/${kind}` };
}

/** The classes of which a run holds values. */
export async function classesOf(journal: Journal, key: RunKey): Promise<readonly string[]> {
  const classes = new Set<string>();
  for (const batch of await journal.read(vaultStream(key))) {
    for (const { type, body } of openBatch(batch, streamName(vaultStream(key)))) {
      if (type === "class.sealed" && body.class !== undefined) classes.add(body.class);
    }
  }
  return [...classes];
}

/** Opens a run's vault and reads it. One whose run was erased is empty. */
export async function openVault({ key, journal, now, salt, keys, passing }: VaultOptions): Promise<Vault> {
  const open = <State>(at: StreamKey, fold: Fold<State>) => openStream({ journal, key: at, now, salt, fold });
  const index = open<Index>(vaultStream(key), {
    initial: () => ({ keyId: undefined, classes: new Set() }),
    apply: (state, entry) => {
      if (entry.type !== "class.sealed") return state;
      const { keyId, class: kind } = entry.body;
      if (keyId !== passingId) state.keyId ??= keyId;
      state.classes.add(kind);
      return state;
    },
  });
  const streams = new Map<string, Stream<Values>>();
  const streamOf = (kind: string): Stream<Values> => {
    const known = streams.get(kind);
    if (known) return known;
    const made = open<Values>(classStream(key, kind), {
      initial: () => new Map(),
      apply: (values, entry) => {
        if (entry.type !== "value.sealed") return values;
        const { keyId } = entry.body;
        for (const value of entry.body.values) values.set(value.token, { ...value, keyId });
        return values;
      },
    });
    streams.set(kind, made);
    return made;
  };
  const ciphers = new Map([...keys, passing].map((one) => [one.id, runCipher(one, key)] as const));
  const byToken = new Map<string, Kept>();
  const byValue = new Map<string, Kept>();
  let fresh: Sealed[] = [];
  const taken = new Map<string, number>();

  const keep = (kept: Kept) => {
    byToken.set(kept.token, kept);
    if (kept.value !== undefined && !byValue.has(kept.value)) byValue.set(kept.value, kept);
  };
  const take = (kind: string, values: Values) => {
    if (values.size === (taken.get(kind) ?? 0)) return;
    taken.set(kind, values.size);
    for (const { token, class: of, box, keyId } of values.values()) {
      if (byToken.has(token)) continue;
      const value = box === undefined ? undefined : ciphers.get(keyId)?.unlock(token, box);
      const isLocked = box !== undefined && value === undefined;
      keep({ token, class: of, value, isLocked });
    }
  };
  /** What was erased is empty. */
  const read = async <State>(stream: Stream<State>): Promise<State | undefined> => {
    try {
      return await stream.state();
    } catch (thrown) {
      if (!isErased(thrown)) throw thrown;
      return undefined;
    }
  };
  const erased = new Set<string>();
  const refresh = async () => {
    const classes = [...((await read(index))?.classes ?? [])];
    const all = await Promise.all(classes.map((kind) => read(streamOf(kind))));
    classes.forEach((kind, at) => {
      const values = all[at];
      if (values) take(kind, values);
      else erased.add(kind);
    });
  };
  await refresh();

  /** A run stays with the key that it began with: its equal values go on to be equal. */
  const cipherNow = (): RunCipher => {
    const keyId = index.known().state.keyId ?? (keys[0] ?? passing).id;
    const cipher = ciphers.get(keyId);
    if (!cipher) throw new OrchestrationError("vault/key-missing", { run: key.runId, key: keyId });
    return cipher;
  };

  let turn: Promise<void> = Promise.resolve();
  let writing = 0;
  const isPending = () => fresh.length > 0 || writing > 0;
  const write = async () => {
    if (fresh.length === 0) return;
    const values = fresh;
    fresh = [];
    const { keyId } = cipherNow();
    const byClass = Map.groupBy(values, (value) => value.class);
    const announce = () =>
      index.append((state) => {
        const unknown = [...byClass.keys()].filter((kind) => !state.classes.has(kind));
        const drafts = unknown.map((kind) => ({ type: "class.sealed", body: { keyId, class: kind } }) as const);
        return { ...(drafts.length > 0 ? { drafts } : {}), answer: undefined };
      });
    const add = (kind: string, sealed: readonly Sealed[]) =>
      streamOf(kind).append((state) => {
        const left = sealed.filter(({ token }) => !state.has(token));
        if (left.length === 0) return { answer: undefined };
        return { drafts: [{ type: "value.sealed", body: { keyId, values: left } }], answer: undefined };
      });
    try {
      const known = index.known().state.classes;
      const isKnown = [...byClass.keys()].every((kind) => known.has(kind));
      await Promise.all([...(isKnown ? [] : [announce()]), ...[...byClass].map(([kind, sealed]) => add(kind, sealed))]);
    } catch (thrown) {
      fresh.unshift(...values);
      throw thrown;
    }
    for (const kind of byClass.keys()) take(kind, streamOf(kind).known().state);
  };

  return {
    seal: (kind, value, reversibly) => {
      const known = byValue.get(value) ?? byToken.get(value);
      if (known) return known.token;
      const cipher = cipherNow();
      const isFree = (token: string) => {
        const other = byToken.get(token);
        // A masked token says nothing of its value; made anew for the same one, it is the same again.
        return (other === undefined || (other.value === undefined && !reversibly)) && !byValue.has(token);
      };
      const token = makeToken(kind, value, (attempt) => cipher.draw(value, attempt), isFree);
      if (byToken.has(token)) return token;
      fresh.push({ token, class: kind, ...(reversibly ? { box: cipher.lock(token, value) } : {}) });
      keep({
        token,
        class: kind,
        value: reversibly ? value : undefined,
        isLocked: false,
      });
      return token;
    },
    isPending,
    flush: async () => {
      if (!isPending()) return;
      writing++;
      // Behind whoever writes now: what they made durable is what this one waits for, and what they could not, it writes.
      const mine = turn.then(write);
      turn = mine.then(
        () => {},
        () => {},
      );
      try {
        await mine;
      } finally {
        writing--;
      }
    },
    refresh,
    known: (text) => {
      const found: Known[] = [];
      const note = (needle: string, { token, class: kind }: Kept, isValue: boolean) => {
        for (let at = text.indexOf(needle); at >= 0; ) {
          const end = at + needle.length;
          const isFound = isWhole(text, at, end);
          if (isFound) found.push({ start: at, end, token, class: kind, isValue });
          at = text.indexOf(needle, isFound ? end : at + 1);
        }
      };
      const mayHoldToken = tokenHint.test(text);
      for (const kept of byToken.values()) {
        if (mayHoldToken) note(kept.token, kept, false);
        if (kept.value !== undefined && kept.value.length >= shortest) note(kept.value, kept, true);
      }
      return apart(found);
    },
    mayKnow: (text) => {
      if (byToken.size === 0) return false;
      const mayHoldToken = tokenHint.test(text);
      for (const { token, value } of byToken.values()) {
        if (mayHoldToken && text.includes(token)) return true;
        if (value !== undefined && text.includes(value)) return true;
      }
      return false;
    },
    valueOf: (token) => byToken.get(token)?.value,
    lackOf: (token) => {
      const kept = byToken.get(token);
      if (!kept || kept.value !== undefined) return undefined;
      return kept.isLocked ? "key-missing" : "masked";
    },
    erased: () => [...erased].sort(),
    isEmpty: () => byToken.size === 0,
    size: () => byToken.size,
  };
}

function isErased(thrown: unknown): boolean {
  return OrchestrationError.is(thrown, "journal/broken-chain") && thrown.data.reason === "its body was erased";
}

/** Made when it is first asked for: the tables of these take a millisecond. */
const letters = once(() => ({
  inWord: /[\p{L}\p{N}]/u,
  /** Of scripts that put no space between a word and what belongs to it, or none at all. */
  unspaced:
    /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u,
}));

/** It does not begin or end inside a longer word or number, as far as the script shows where one ends. */
function isWhole(text: string, start: number, end: number): boolean {
  const { inWord, unspaced } = letters();
  const joins = (left: string | undefined, right: string | undefined) =>
    left !== undefined &&
    right !== undefined &&
    inWord.test(left) &&
    inWord.test(right) &&
    !unspaced.test(left) &&
    !unspaced.test(right);
  return !joins(text[start - 1], text[start]) && !joins(text[end - 1], text[end]);
}

/** In order, the longer one where two overlap; what is left of the other is covered too, where it is a value. */
function apart(found: Known[]): readonly Known[] {
  if (found.length < 2) return found;
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: Known[] = [];
  for (let from = 0; from < found.length; ) {
    let to = from + 1;
    let { end } = found[from] as Known;
    for (; to < found.length && (found[to] as Known).start < end; to++) end = Math.max(end, (found[to] as Known).end);
    kept.push(...(to === from + 1 ? [found[from] as Known] : overlapping(found.slice(from, to))));
    from = to;
  }
  return kept;
}

function overlapping(found: readonly Known[]): readonly Known[] {
  const kept: Known[] = [];
  for (const one of found.toSorted((a, b) => b.end - b.start - (a.end - a.start))) {
    if (kept.every(({ start, end }) => end <= one.start || start >= one.end)) kept.push(one);
    else if (one.isValue) for (const rest of besides(one, kept)) kept.push({ ...one, ...rest });
  }
  return kept.sort((a, b) => a.start - b.start);
}
