import type { Json } from "../../world/world.ts";

/** Something to be done on the phone, as one says it: by the names that the manual has for it. */
export interface SpokenCall {
  readonly tool: string;
  readonly input: { readonly [argument: string]: Json };
}

/** `grant_app_permission(app_name="messaging", permission="sms")`. */
export function spoken({ tool, input }: SpokenCall): string {
  const told = Object.entries(input).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${tool}(${told.join(", ")})`;
}

const callsMax = 12;

/**
 * What a text asks to be done, in its order: names of these tools, with arguments in brackets where they are given. Small words
 * count as well (`Toggle Airplane Mode`); what somebody is told not to do does not.
 */
export function callsIn(text: string, tools: readonly string[]): readonly SpokenCall[] {
  const known = [...tools].sort((left, right) => right.length - left.length);
  const names = known.map((name) => name.replaceAll("_", "[_ -]")).join("|");
  const named = new RegExp(`(?<![\\w-])(?:${names})(?![\\w-])`, "gi");
  const found: SpokenCall[] = [];
  for (const { 0: said, index } of text.matchAll(named)) {
    if (found.length === callsMax) break;
    const before =
      text
        .slice(0, index)
        .split(/[.!?;\n]/)
        .at(-1) ?? "";
    if (/\b(?:not|never|don't|don’t|without)\b/i.test(before)) continue;
    const tool = said.toLowerCase().replaceAll(/[ -]/g, "_");
    found.push({ tool, input: argumentsAt(text, index + said.length) });
  }
  return found;
}

/** The arguments in the brackets that open there; none where none do. */
function argumentsAt(text: string, at: number): SpokenCall["input"] {
  if (text[at] !== "(") return {};
  const parts: string[] = [""];
  let depth = 0;
  let quoted = false;
  for (let index = at + 1; index < text.length; index++) {
    const mark = text.charAt(index);
    if (mark === '"' && text[index - 1] !== "\\") quoted = !quoted;
    if (!quoted) {
      if (depth === 0 && mark === ")") break;
      if (depth === 0 && mark === ",") {
        parts.push("");
        continue;
      }
      if ("{[".includes(mark)) depth++;
      if ("}]".includes(mark)) depth--;
    }
    parts[parts.length - 1] += mark;
  }
  const pairs = parts.flatMap((part): [string, Json][] => {
    const [, name, value] = /^\s*([a-z_]+)\s*(?:=|:)\s*([\s\S]+?)\s*$/.exec(part) ?? [];
    return name === undefined || value === undefined ? [] : [[name, jsonOf(value)]];
  });
  return Object.fromEntries(pairs);
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text.replaceAll(/^['"]|['"]$/g, "");
  }
}
