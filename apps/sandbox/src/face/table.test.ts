import { expect, test } from "vitest";
import { pairs, table } from "./table.ts";
import { widthOf } from "./text.ts";

const columns = [
  { title: "name" },
  { title: "about", atLeast: 6, gives: 1, spare: 2 },
  { title: "n", align: "right" as const },
];
const rows = [
  [{ text: "eins" }, { text: "Grüße aus 東京 und Köln" }, { text: "7" }],
  [{ text: "zwei" }, { text: "kurz" }, { text: "1,234" }],
];

test("columns stand under each other, also behind characters of two cells", () => {
  const lines = table(columns, rows, { columns: 80 });
  expect(lines).toEqual([
    "name  about                        n",
    "eins  Grüße aus 東京 und Köln      7",
    "zwei  kurz                     1,234",
  ]);
  expect(new Set(lines.map(widthOf)).size).toBe(1);
});

test("where there is little room a column shrinks, and where there is less it goes", () => {
  expect(table(columns, rows, { columns: 24 })[1]).toBe("eins  Grüße aus …      7");
  expect(table(columns, rows, { columns: 14 })).toEqual(["name      n", "eins      7", "zwei  1,234"]);
});

test("a cell is painted after it was brought to its width", () => {
  const lines = table([{ title: "a" }, { title: "b" }], [[{ text: "x", tint: (text) => `<${text}>` }, { text: "y" }]], {
    columns: 80,
  });
  expect(lines[1]).toBe("<x>  y");
});

test("a long value goes on below its beginning", () => {
  expect(
    pairs(
      [
        ["one", "1"],
        ["three", "a long value that needs more than one line"],
      ],
      { columns: 28 },
    ),
  ).toEqual(["one    1", "three  a long value that", "       needs more than one", "       line"]);
});
