import { escapePointer, type Json } from "@remit/core";
import type { McpDefinition } from "./definition.ts";
import { hasHidden, visible } from "./text.ts";

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

const patterns: readonly (readonly [SignalKind, RegExp])[] = [
  [
    "role-tag",
    /<\/?(?:system|assistant|user|human|tool|instructions?|important|secret)\b[^>]*>|<\|[\w-]+\|>|\[\/?INST\]|^\s*(?:system|assistant|human)\s*:/im,
  ],
  [
    "instruction",
    /\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|other|earlier)\b|\b(?:do not|don't|never)\s+(?:tell|mention|inform|reveal|show)\b|\byou (?:must|should|have to|are required to)\b|\b(?:before|after|instead of|first)\b.{0,40}\b(?:call|calling|use|using|invoke|run)\b|\bit is required\b|\balways\s+(?:call|use|invoke|run|include|pass)\b/i,
  ],
  ["address", /\bhttps?:\/\/(?:\d{1,3}(?:\.\d{1,3}){3}|[^\s"'<>)]*[?{])[^\s"'<>)]*|\bdata:[\w/+.-]+;base64,/i],
  [
    "secret",
    /~\/\.|\.ssh\b|\bid_rsa\b|\.env\b|\/etc\/passwd|\b(?:api[ _-]?keys?|passwords?|credentials?|private keys?|access tokens?)\b/i,
  ],
  ["encoded", /[A-Za-z0-9+/=_-]{100,}|(?:%[0-9a-f]{2}){20,}|(?:\\u[0-9a-f]{4}){10,}/i],
];

/** The signals of one text. @param others names of tools that it has no reason to speak of */
export function textSignals(text: string, pointer: string, others: readonly string[] = []): readonly Signal[] {
  const found: Signal[] = [];
  const at = (kind: SignalKind, index: number, length: number) => {
    const start = Math.max(0, index - 20);
    const part = text.slice(start, Math.max(start + excerptMax - 20, index + length)).slice(0, excerptMax);
    found.push({ kind, pointer, excerpt: visible(part).replace(/\s+/g, " ").slice(0, excerptMax) });
  };
  if (hasHidden(text.replace(/[\t\n]/g, " "))) {
    const first = [...text].findIndex((char) => !/[\t\n]/.test(char) && hasHidden(char));
    at("hidden-characters", [...text].slice(0, first).join("").length, 1);
  }
  for (const [kind, pattern] of patterns) {
    const match = pattern.exec(text);
    if (match) at(kind, match.index, match[0].length);
  }
  const named = others.find((name) => name.length >= 4 && wordsIn(text).has(name.toLowerCase()));
  if (named !== undefined) at("other-tool", text.toLowerCase().indexOf(named.toLowerCase()), named.length);
  if (text.length > longChars) at("long", 0, 0);
  return found;
}

function wordsIn(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\w-]+/g) ?? []);
}

/** The signals of all texts in a definition. @param catalogue names of all tools that an agent might have */
export function signalsOf(definition: McpDefinition, catalogue: readonly string[] = []): readonly Signal[] {
  const others = catalogue.filter((name) => name !== definition.name);
  const found: Signal[] = [];
  const walk = (value: Json | undefined, pointer: string) => {
    if (typeof value === "string") found.push(...textSignals(value, pointer, others));
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      const place = `${pointer}/${escapePointer(key)}`;
      // Names of members are read by models like all else.
      if (hasHidden(key)) found.push(...textSignals(key, place));
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
