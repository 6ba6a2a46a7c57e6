import type { Json, JsonSchema } from "@remit/core";

/**
 * The members of a tool's arguments under names that the API takes. For one name that it does not take it refuses the whole
 * request; it looks at no names further inside.
 */
export interface WireKeys {
  /** Itself where all names fit. A member that has another name there has its own as its title. */
  readonly schema: JsonSchema;
  readonly toWire: <Value extends Json>(value: Value) => Value;
  readonly fromWire: (value: Json) => Json;
}

const charsMax = 64;
const fitting = /^[A-Za-z0-9_.-]{1,64}$/;

/** The same schema gives the same names. */
export function wireKeys(schema: JsonSchema): WireKeys {
  const { properties, required } = schema;
  const names = isObject(properties) ? Object.keys(properties) : [];
  if (!isObject(properties) || names.every((name) => fitting.test(name))) {
    return { schema, toWire: (value) => value, fromWire: (value) => value };
  }
  const taken = new Set(names.filter((name) => fitting.test(name)));
  const wire = new Map<string, string>();
  for (const name of names) if (!fitting.test(name)) wire.set(name, freeName(name, taken));
  const own = new Map([...wire].map(([name, there]) => [there, name]));
  const there = (name: string) => wire.get(name) ?? name;
  const members = Object.entries(properties).map(([name, member]): [string, Json] => [
    there(name),
    wire.has(name) && isObject(member) ? { title: name, ...member } : member,
  ]);
  return {
    schema: {
      ...schema,
      properties: Object.fromEntries(members),
      ...(Array.isArray(required)
        ? { required: required.map((name) => (typeof name === "string" ? there(name) : name)) }
        : {}),
    },
    toWire: (value) => renamed(value, wire),
    fromWire: (value) => renamed(value, own),
  };
}

function freeName(name: string, taken: Set<string>): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_.-]/g, "_") || "_";
  let free = plain.slice(0, charsMax);
  for (let count = 2; taken.has(free); count++) free = `${plain.slice(0, charsMax - `_${count}`.length)}_${count}`;
  taken.add(free);
  return free;
}

function renamed<Value extends Json>(value: Value, names: ReadonlyMap<string, string>): Value {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [names.get(name) ?? name, one])) as Value;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
