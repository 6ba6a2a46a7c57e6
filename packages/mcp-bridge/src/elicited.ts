import type { WireElicitationAnswer } from "./wire/port.ts";

/** What a client answered to a question, held against what was asked. Forms of MCP are flat: that much is checked here. */

type Member = { readonly [key: string]: unknown };

/**
 * The answer to a form, or nothing where it is none or does not fit.
 * @param schema of the form; absent for a question by URL, which has no content
 */
export function elicited(answer: unknown, schema: Member | undefined): WireElicitationAnswer | undefined {
  if (!isMember(answer)) return undefined;
  const { action, content } = answer;
  if (action === "decline" || action === "cancel") return { action };
  if (action !== "accept") return undefined;
  if (schema === undefined) return { action };
  const given = content ?? {};
  return isMember(given) && fits(given, schema) ? { action, content: given } : undefined;
}

/** What a client's model said, or nothing where it is no such thing. */
export function sampled(answer: unknown): Member | undefined {
  return isMember(answer) && typeof answer.model === "string" && answer.content !== undefined ? answer : undefined;
}

export function rooted(answer: unknown): readonly { readonly uri: string; readonly name?: string }[] | undefined {
  if (!isMember(answer) || !Array.isArray(answer.roots)) return undefined;
  const roots = answer.roots.filter((root) => isMember(root) && typeof root.uri === "string");
  return roots.length === answer.roots.length
    ? roots.map(({ uri, name }) => (typeof name === "string" ? { uri, name } : { uri }))
    : undefined;
}

function isMember(value: unknown): value is Member {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fits(content: Member, { properties, required }: Member): boolean {
  const known = isMember(properties) ? properties : {};
  const needed = Array.isArray(required) ? required : [];
  if (!needed.every((name) => typeof name === "string" && Object.hasOwn(content, name))) return false;
  return Object.entries(content).every(([name, value]) => {
    const schema = Object.hasOwn(known, name) ? known[name] : undefined;
    return schema === undefined || !isMember(schema) || valueFits(value, schema);
  });
}

function valueFits(value: unknown, schema: Member): boolean {
  const { type, minimum, maximum, minLength, maxLength, minItems, maxItems, items } = schema;
  const within = (size: number, least: unknown, most: unknown) =>
    !(typeof least === "number" && size < least) && !(typeof most === "number" && size > most);
  if (type === "boolean") return typeof value === "boolean";
  if (type === "number") return typeof value === "number" && within(value, minimum, maximum);
  if (type === "integer") return Number.isInteger(value) && within(value as number, minimum, maximum);
  if (type === "array") {
    if (!Array.isArray(value) || !within(value.length, minItems, maxItems)) return false;
    return value.every((one) => !isMember(items) || isChoice(one, items));
  }
  return typeof value === "string" && within([...value].length, minLength, maxLength) && isChoice(value, schema);
}

/** One of those offered, where any are. */
function isChoice(value: unknown, { enum: plain, oneOf, anyOf }: Member): boolean {
  const titled = [oneOf, anyOf].find(Array.isArray) as readonly unknown[] | undefined;
  if (Array.isArray(plain)) return plain.includes(value);
  if (titled) return titled.some((choice) => isMember(choice) && choice.const === value);
  return typeof value === "string";
}
