import { ToolRefusal } from "@remit/core";
import { copyValue, isRecord, type State, type Value } from "./state.ts";

/**
 * What one tool does to an environment: it may change the state that it is given, and returns its answer.
 * @throws ToolRefusal when it would not or could not; what it has changed until then stays
 */
export type Behaviour = (state: State, args: Readonly<Record<string, Value>>) => Value;
export type Behaviours = Readonly<Record<string, Behaviour>>;

/** The value at a path of keys; a path that leads nowhere is an environment of another kind. */
export function at(state: State, path: string): Value {
  let value: Value | undefined = state;
  for (const key of path.split("/")) value = isRecord(value) ? value[key] : undefined;
  if (value === undefined) throw new ToolRefusal(`There is nothing at ${path}.`);
  return value;
}

/** The list at a path. */
export function listAt(state: State, path: string): Value[] {
  const value = at(state, path);
  if (!Array.isArray(value)) throw new ToolRefusal(`There is no list at ${path}.`);
  return value;
}

/** The records of the list, or of the map by id, at a path. */
export function recordsAt(state: State, path: string): State[] {
  const value = at(state, path);
  return (Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []).filter(isRecord);
}

/** The map at a path. */
export function mapAt(state: State, path: string): State {
  const value = at(state, path);
  if (!isRecord(value)) throw new ToolRefusal(`There is no map at ${path}.`);
  return value;
}

/** A list argument; one value stands for a list of one, nothing for an empty one. */
export function listed(value: Value | undefined): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

export function text(value: Value | undefined): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
}

export function pick(record: State, fields: readonly string[]): State {
  return Object.fromEntries(
    fields.flatMap((field) => (Object.hasOwn(record, field) ? [[field, record[field] as Value]] : [])),
  );
}

/** Reads what lies at a path. */
export const valueAt =
  (path: string): Behaviour =>
  (state) =>
    copyValue(at(state, path));

/** The records at a path of which a field equals an argument, each with some of its fields; alone when one is asked for. */
export const namesWhere =
  (path: string, field: string, argument: string): Behaviour =>
  (state, args) =>
    recordsAt(state, path)
      .filter((record) => record[field] === args[argument])
      .map(({ name }) => name as Value);

/** Records that an argument names, in the order of the list, each with its name and the fields that are wanted. */
export const fieldsOf =
  (path: string, argument: string, fields: readonly string[]): Behaviour =>
  (state, args) => {
    const wanted = listed(args[argument]);
    return recordsAt(state, path)
      .filter(({ name }) => wanted.includes(name as Value))
      .map((record) => copyValue(pick(record, ["name", ...fields])));
  };

/** The members of an object at a path, without some. */
export const objectAt =
  (path: string, { without = [] }: { readonly without?: readonly string[] } = {}): Behaviour =>
  (state) =>
    Object.fromEntries(Object.entries(mapAt(state, path)).filter(([key]) => !without.includes(key)));

/** Overwrites members of an object by arguments of the same names, where they are given and not empty. */
export const overwrite = (record: State, args: Readonly<Record<string, Value>>, fields: readonly string[]): void => {
  for (const field of fields) {
    const value = args[field];
    if (value !== undefined && value !== null && value !== "" && value !== 0 && value !== false) record[field] = value;
  }
};

/** `2020-01-01 09:00` and `2020-01-01` as `2020-01-01T09:00:00`; what is no date stays. */
export function timeOf(value: Value | undefined): string {
  const given = text(value);
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?)?$/.exec(given);
  return match ? `${match[1]}T${match[2] ?? "00:00"}:${match[3] ?? "00"}` : given;
}

/** The time so many hours later. */
export function later(time: string, hours: number): string {
  const at = Date.parse(`${time}Z`);
  return Number.isNaN(at) ? time : new Date(at + hours * 3_600_000).toISOString().slice(0, 19);
}

/** The next free number over some records. */
export function nextId(records: readonly State[], field = "id"): number {
  return records.reduce((most, record) => Math.max(most, Number(record[field]) || 0), 0) + 1;
}
