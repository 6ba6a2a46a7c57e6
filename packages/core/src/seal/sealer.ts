import type { Json } from "../json.ts";
import { escapePointer, unescapePointer } from "../pointer.ts";
import type { Issue } from "../schema.ts";
import { type DeclaredClasses, within } from "./classes.ts";
import type { Detection } from "./detector.ts";
import { reveals, type SealAction, type SealRules } from "./settings.ts";
import { besides, type Span } from "./span.ts";
import type { Known, Vault } from "./vault.ts";

/** Seals and opens JSON values and texts. Where nothing is to be done, what comes out is what went in. */

export interface SealContext {
  readonly vault: Vault;
  readonly rules: SealRules;
  readonly tenant: string;
  /** Told of each place where a value of a refused class stands; it is masked all the same. */
  readonly refused?: (issue: Issue) => void;
}

export function sealJson(value: Json, declared: DeclaredClasses | undefined, context: SealContext): Json {
  // One look at the whole, so that what holds nothing is not walked through.
  const text = textsIn(value);
  const knows = context.vault.mayKnow(text);
  const look = context.rules.detection.within(text);
  if (!declared && !knows && !look) return value;
  return walk(value, declared, "", { ...context, plain: new Set(), knows, look: look ?? noLook }, "");
}

/**
 * All texts of a value as the walk looks at them, a line each: names of members, and texts behind the name under which they
 * stand. Numbers are none, nor is the content of an image or a file.
 */
export function textsIn(value: Json, name = ""): string {
  if (typeof value === "string") return name === "" ? value : `${name}: ${value}`;
  if (typeof value !== "object" || value === null) return name;
  let text = name;
  if (Array.isArray(value)) {
    for (const item of value)
      if (typeof item === "string" || typeof item === "object") text += `\n${textsIn(item, name)}`;
    return text;
  }
  const isMedia = isMedium(value);
  for (const [member, one] of Object.entries(value)) {
    text += `\n${isMedia && member === "data" ? member : textsIn(one, member)}`;
  }
  return text;
}

/** As long as this, no value that a detector knows is all letters and digits. */
const contentLongest = 128;

/**
 * True where the member `data` is the content of an image or a file, and so no text. Whoever calls a text that is looked at
 * nowhere: what is not written as content is, or is as short as a value may be, is a text all the same.
 */
function isMedium(value: Json): boolean {
  const { $media, data } = value as { readonly $media?: Json; readonly data?: Json };
  if (typeof $media !== "string" || typeof data !== "string" || data.length <= contentLongest) return false;
  return data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
}

interface Walking extends SealContext {
  /** Names of members in which nothing was found: those of a list's items are the same ones. */
  readonly plain: Set<string>;
  /** The whole may hold what was sealed before, or one of its values has been sealed on the way. */
  knows: boolean;
  /** By those detectors that may find something in the whole. */
  readonly look: Pick<Detection, "find">;
}

const noLook: Pick<Detection, "find"> = { find: () => [] };

export function sealText(text: string, context: SealContext): string {
  const knows = context.vault.mayKnow(text);
  if (!knows && !context.rules.detection.mayFind(text)) return text;
  return inText(text, "", { ...context, plain: new Set(), knows, look: context.rules.detection }, "");
}

/** A JSON pointer into a value that is sealed, with the names that its members have then. */
export function sealPointer(pointer: string, context: SealContext): string {
  const names = pointer.split("/").map(unescapePointer);
  return names.map((name) => escapePointer(sealText(name, context))).join("/");
}

/** @param name of the member that holds the value, "" for none: it says what a bare number is */
function walk(
  value: Json,
  declared: DeclaredClasses | undefined,
  pointer: string,
  context: Walking,
  name: string,
): Json {
  if (typeof value === "string") {
    const kind = declared?.own;
    return kind === undefined || value === ""
      ? inText(value, pointer, context, name)
      : whole(value, kind, pointer, context);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    let same = true;
    const items = value.map((item, index) => {
      const sealed = walk(item, within(declared?.own, declared?.rest), under(pointer, index, context), context, name);
      same &&= sealed === item;
      return sealed;
    });
    return same ? value : items;
  }
  let entries: [string, Json][] | undefined;
  const isMedia = isMedium(value);
  const names = Object.keys(value);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const member = (value as { readonly [name: string]: Json })[name] as Json;
    // The content of an image or a file is no text.
    if (name === "data" && isMedia) {
      entries?.push([name, member]);
      continue;
    }
    const key = keyIn(name, pointer, context);
    const of = declared?.members && Object.hasOwn(declared.members, name) ? declared.members[name] : declared?.rest;
    const sealed = walk(member as Json, within(declared?.own, of), under(pointer, key, context), context, name);
    if (!entries && (sealed !== member || key !== name)) entries = Object.entries(value).slice(0, index);
    entries?.push([key, sealed]);
  }
  // `fromEntries` defines members; an assignment would take one called `__proto__` for something else.
  return entries ? Object.fromEntries(entries) : value;
}

/** Only who is told of refusals is told where they stand. */
function under(pointer: string, part: string | number, { refused }: Walking): string {
  if (!refused) return pointer;
  return `${pointer}/${typeof part === "number" ? part : escapePointer(part)}`;
}

function keyIn(name: string, pointer: string, context: Walking): string {
  if (context.plain.has(name)) return name;
  const key = inText(name, pointer, context, "");
  if (key === name) context.plain.add(name);
  return key;
}

/** A text that is a value from end to end. */
function whole(text: string, kind: string, pointer: string, context: Walking): string {
  if (context.vault.known(text).some(({ start, end, isValue }) => start === 0 && end === text.length && !isValue))
    return text;
  return act(text, kind, pointer, context);
}

function inText(text: string, pointer: string, context: Walking, name: string): string {
  const { vault, look } = context;
  const known = context.knows ? vault.known(text) : [];
  // The name stands before the value as in a sentence, so that detectors hear it; what they find in it is no find.
  const lead = name === "" || text === "" ? "" : `${spoken(name)}: `;
  const all = look.find(lead + text);
  if (known.length === 0 && all.length === 0) return text;
  const found = all.flatMap((find) => {
    const end = find.end - lead.length;
    return end <= 0 ? [] : [{ ...find, start: Math.max(0, find.start - lead.length), end }];
  });
  const parts: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  const put = (start: number, end: number, sealed: string) => parts.push({ start, end, text: sealed });
  for (const { start, end, token, isValue } of known) put(start, end, isValue ? token : text.slice(start, end));
  for (const { class: kind, ...place } of found) {
    // What is a token already stays; what stands around it is still found.
    for (const { start, end } of without(place, known)) {
      put(start, end, act(text.slice(start, end), kind, pointer, context));
    }
  }
  parts.sort((a, b) => a.start - b.start);
  let made = "";
  let at = 0;
  for (const part of parts) {
    made += text.slice(at, part.start) + part.text;
    at = part.end;
  }
  return made + text.slice(at);
}

/** `cardNumber`, `card_number`: `card number`. */
function spoken(name: string): string {
  if (!/[A-Z_-]/.test(name)) return name;
  return name.replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").replaceAll(/[_-]+/g, " ");
}

function act(text: string, kind: string, pointer: string, context: Walking): string {
  const { vault, rules, tenant, refused } = context;
  const action: SealAction = rules.actionOf(tenant, kind);
  if (action === "keep") return text;
  if (action === "refuse") refused?.({ pointer, message: `a value of the class ${kind}, which is refused here` });
  context.knows = true;
  context.plain.clear();
  return vault.seal(kind, text, action === "seal");
}

/** What is left of a place when those of known ones are taken out; a rest of fewer than four characters is nothing. */
function without(place: Span, known: readonly Known[]): readonly Span[] {
  const rests = besides(place, known);
  return rests.filter(({ start, end }) => end - start === place.end - place.start || end - start >= 4);
}

export interface Opened<Value> {
  readonly value: Value;
  /** Tokens whose values were let out, by class. */
  readonly disclosed: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Puts the values of some classes back into a value: with none of them in it, it is the same one. */
export function openJson<Value>(value: Value, classes: readonly string[], vault: Vault): Opened<Value> {
  const disclosed = new Map<string, Set<string>>();
  if (vault.isEmpty()) return { value, disclosed };
  const text = (given: string): string => {
    if (given.length < 6) return given;
    let made = "";
    let at = 0;
    for (const { start, end, token, class: kind, isValue } of vault.known(given)) {
      const opened = isValue || !reveals(classes, kind) ? undefined : vault.valueOf(token);
      if (opened === undefined) continue;
      disclosed.set(kind, (disclosed.get(kind) ?? new Set()).add(token));
      // A value may itself hold tokens that were there before it.
      made += given.slice(at, start) + text(opened);
      at = end;
    }
    return at === 0 ? given : made + given.slice(at);
  };
  const open = (given: unknown): unknown => {
    if (typeof given === "string") return text(given);
    if (typeof given !== "object" || given === null) return given;
    if (Array.isArray(given)) {
      const items = given.map(open);
      return items.every((item, index) => item === given[index]) ? given : items;
    }
    let same = true;
    const entries = Object.entries(given).map(([name, member]) => {
      const entry = [text(name), open(member)] as const;
      same &&= entry[0] === name && entry[1] === member;
      return entry;
    });
    return same ? given : Object.fromEntries(entries);
  };
  return { value: open(value) as Value, disclosed };
}
