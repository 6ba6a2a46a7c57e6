import { expect, test } from "vitest";
import { copyTables, edit, put, type Table } from "./table.ts";

interface Row {
  count: number;
  tags: string[];
}

function start() {
  const state = { today: "2026-01-01", counters: { next: 1 }, rows: {} as Table<Row> };
  put(state.rows, "a", { count: 1, tags: ["x"] });
  put(state.rows, "b", { count: 2, tags: [] });
  return state;
}

test("an edit in a copy leaves the original alone, and rows that were not edited are shared", () => {
  const state = start();
  const copy = copyTables(state);
  edit(copy.rows, "a", (row) => row.tags.push("y"));
  copy.counters.next += 1;
  expect(state).toEqual(start());
  expect(copy.rows.a).toEqual({ count: 1, tags: ["x", "y"] });
  expect(copy.rows.b).toBe(state.rows.b);
});

test("a row cannot be changed in place, before or after an edit", () => {
  const state = start();
  edit(state.rows, "b", (row) => row.tags.push("y"));
  for (const id of ["a", "b"]) {
    const row = state.rows[id] as unknown as Row;
    expect(() => row.tags.push("z")).toThrow(TypeError);
    expect(() => Object.assign(row, { count: 9 })).toThrow(TypeError);
  }
});

test("editing a row that is not there is a fault of the caller", () => {
  expect(() => edit(start().rows, "c", () => {})).toThrow(RangeError);
});
