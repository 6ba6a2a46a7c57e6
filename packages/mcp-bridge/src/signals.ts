import { escapePointer, type Json } from "@remit/core";
import type { McpDefinition } from "./definition.ts";
import { hasHidden, hiddenAt, visible } from "./text.ts";

/**
 * What stands out in a text of a server, for a person who decides on it. A signal is a reason to read, not a finding:
 * most are harmless, and what does harm may give none. Nothing is allowed or refused by them.
 */
export interface Signal {
  readonly kind: SignalKind;
  /** Where, as a JSON pointer into the definition, or `/instructions`. */
  readonly pointer: string;
  /** The place itself, at most 120 characters, with what is hidden written out. */
  readonly excerpt: string;
}

export type SignalKind =
  /** Characters that cannot be seen, or act on a terminal. */
  | "hidden-characters"
  /** Words of a conversation's frame, such as `<system>` or `[INST]`. */
  | "role-tag"
  /** Words to whoever reads, in place of words about the tool. */
  | "instruction"
  /** The name of another tool. */
  | "other-tool"
  /** An address to which something could be sent. */
  | "address"
  /** Places and words of secrets. */
  | "secret"
  /** A long run that no person reads, as base64 makes it. */
  | "encoded"
  | "long";

const excerptMax = 120;
const longChars = 4_000;

/** Each looks at a text once: none goes over the same part from many beginnings. */
const patterns: readonly (readonly [SignalKind, RegExp])[] = [
  [
    "role-tag",
    /<\/?(?:system|assistant|user|human|tool|instructions?|important|secret)\b[^>]{0,500}>|<\|[\w-]{1,100}\|>|\[\/?INST\]|^[^\S\n]*(?:system|assistant|human)\s{0,50}:/im,
  ],
  [
    "instruction",
    /\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|other|earlier)\b|\b(?:do not|don't|never)\s+(?:tell|mention|inform|reveal|show)\b|\byou (?:must|should|have to|are required to)\b|\b(?:before|after|instead of|first)\b.{0,40}\b(?:call|calling|use|using|invoke|run)\b|\bit is required\b|\balways\s+(?:call|use|invoke|run|include|pass)\b/i,
  ],
  [
    "secret",
    /~\/\.|\.ssh\b|\bid_rsa\b|\.env\b|\/etc\/passwd|\b(?:api[ _-]?keys?|passwords?|credentials?|private keys?|access tokens?)\b/i,
  ],
  ["encoded", /[A-Za-z0-9+/=_-]{100,}|(?:%[0-9a-f]{2}){20,}|(?:\\u[0-9a-f]{4}){10,}/i],
];

/** An address as far as it goes, and what of it takes something along: a bare number, a question, a template. */
const addresses = /\bhttps?:\/\/[^\s"'<>)]+|\bdata:[\w/+.-]{1,100};base64,/gi;
const isSending = /[?{]|^https?:\/\/\d{1,3}(?:\.\d{1,3}){3}|^data:/i;

/** The signals of one text. @param others names of tools that it has no reason to speak of */
export function textSignals(text: string, pointer: string, others: readonly string[] = []): readonly Signal[] {
  return signalsIn(text, pointer, placesOf(others));
}

/** Names by how they are found in a text, each with its place in the list; short ones are words like others. */
function placesOf(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    names.flatMap((name, place) => (name.length >= 4 ? [[name.toLowerCase(), place] as const] : [])).reverse(),
  );
}

function signalsIn(text: string, pointer: string, others: ReadonlyMap<string, number>): readonly Signal[] {
  const found: Signal[] = [];
  const at = (kind: SignalKind, index: number, length: number) => {
    const start = Math.max(0, index - 20);
    const part = text.slice(start, Math.max(start + excerptMax - 20, index + length)).slice(0, excerptMax);
    found.push({ kind, pointer, excerpt: visible(part).replace(/\s+/g, " ").slice(0, excerptMax) });
  };
  const hidden = hiddenAt(text);
  if (hidden >= 0) at("hidden-characters", hidden, 1);
  for (const [kind, pattern] of patterns) {
    const match = pattern.exec(text);
    if (match) at(kind, match.index, match[0].length);
  }
  for (const { 0: address, index } of text.matchAll(addresses)) {
    if (!isSending.test(address)) continue;
    at("address", index, address.length);
    break;
  }
  if (others.size > 0) {
    const named = [...wordsIn(text)].filter((word) => others.has(word));
    const [first] = named.sort((one, other) => (others.get(one) ?? 0) - (others.get(other) ?? 0));
    if (first !== undefined) at("other-tool", text.toLowerCase().indexOf(first), first.length);
  }
  if (text.length > longChars) at("long", 0, 0);
  return found;
}

function wordsIn(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\w-]+/g) ?? []);
}

/** The signals of all texts in a definition. @param catalogue names of all tools that an agent might have */
export function signalsOf(definition: McpDefinition, catalogue: readonly string[] = []): readonly Signal[] {
  const others = placesOf(catalogue.filter((name) => name !== definition.name));
  const found: Signal[] = [];
  const walk = (value: Json | undefined, pointer: string) => {
    if (typeof value === "string") found.push(...signalsIn(value, pointer, others));
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      const place = `${pointer}/${escapePointer(key)}`;
      // Names of members are read by models like all else.
      if (hasHidden(key)) found.push(...signalsIn(key, place, none));
      walk(member as Json, place);
    }
  };
  const { title, description, inputSchema, outputSchema, annotations } = definition;
  for (const [member, value] of Object.entries({ title, description, inputSchema, outputSchema, annotations })) {
    walk(value as Json | undefined, `/${member}`);
  }
  return found.slice(0, signalsMax);
}

const signalsMax = 20;
const none: ReadonlyMap<string, number> = new Map();
