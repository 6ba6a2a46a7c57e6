/**
 * Copy-on-write tables: a state of plain objects whose rows are frozen and replaced, never changed. Copying such a
 * state copies pointers only, so a world can afford a copy for every call.
 */

/** `Row` as seen by a reader: nothing in it can be assigned. */
export type Frozen<Row> = Row extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : Row extends object
    ? { readonly [Key in keyof Row]: Frozen<Row[Key]> }
    : Row;

/** Rows by id. The table object belongs to one copy of the state; its rows are shared between copies. */
export type Table<Row> = { [id: string]: Frozen<Row> };

/** A copy whose tables can be changed with `put` and `edit`. Members that are not tables are copied one level deep. */
export function copyTables<State extends object>(state: State): State {
  return Object.fromEntries(
    Object.entries(state).map(([name, table]) => [name, typeof table === "object" && table ? { ...table } : table]),
  ) as State;
}

/** Stores a row under `id`, frozen all the way down. The caller hands the row over. */
export function put<Row>(table: Table<Row>, id: string, row: Row): void {
  table[id] = deepFreeze(row) as Frozen<Row>;
}

/**
 * Changes one row: `change` gets a copy, which then takes the row's place. Do not edit the same row inside `change`.
 * @throws RangeError when there is no such row; ids are checked (and refused) before, so this is a fault of the tool
 */
export function edit<Row>(table: Table<Row>, id: string, change: (row: Row) => void): void {
  const row = table[id];
  if (row === undefined) throw new RangeError(`no row "${id}" to edit`);
  const copy = structuredClone(row) as Row;
  change(copy);
  put(table, id, copy);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
