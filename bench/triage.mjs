// @ts-check
// How well the offline classifier names the intents of published customer questions. Nothing of the data is kept.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crossValidate } from "@remit/agents/classifier";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = process.env.REMIT_DATA_DIR ?? join(root, "../shared/data");
const [given] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const file = given ?? join(data, "banking77/train.csv");

/** @param {string} name @param {number} otherwise */
const option = (name, otherwise) => {
  const found = process.argv.find((word) => word.startsWith(`--${name}=`));
  return found === undefined ? otherwise : Number(found.slice(name.length + 3));
};
/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Rows of a file of comma-separated values; a quoted one may hold anything. @param {string} text */
function rowsOf(text) {
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (!found) throw new Error(`${file}: row ${rows.length + 1} is no row of comma-separated values`);
    row.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function measure() {
  if (!existsSync(file)) return console.log(`triage: skipped, there is no ${file}`);
  const [head = [], ...rows] = rowsOf(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  const [text, intent] = [
    head.indexOf("text"),
    head.findIndex((name) => ["category", "intent", "label"].includes(name)),
  ];
  if (text < 0 || intent < 0) throw new Error(`${file} needs a column text and one of category, intent, label`);
  const examples = rows.flatMap((row) => {
    const one = { text: row[text] ?? "", intent: row[intent] ?? "" };
    return one.text.trim() === "" || one.intent === "" ? [] : [one];
  });
  const seed = option("seed", 1);
  const folds = option("folds", 5);
  const began = performance.now();
  const { accuracy, calibrationError, confusions, routing } = crossValidate(examples, { seed, folds });
  const seconds = (performance.now() - began) / 1_000;
  const intents = new Set(examples.map((one) => one.intent)).size;
  console.log(
    `${examples.length} texts · ${intents} intents · ${folds} folds, seed ${seed} · ${(seconds / folds).toFixed(1)} s a fold`,
  );
  console.log(`accuracy ${percent(accuracy)} · calibration error ${percent(calibrationError)}`);
  for (const share of [0.95, 0.9, 0.8]) {
    const { atLeast, routed, accuracy: right } = routing(share);
    console.log(
      `routed ${percent(routed)} at a confidence of ${atLeast.toFixed(3)}: right ${percent(right)}, and ${percent(1 - routed)} go to a person`,
    );
  }
  console.log("most often taken for another:");
  for (const one of confusions.slice(0, 10)) console.log(`  ${one.count}× ${one.intent} → ${one.takenFor}`);
}

measure();
