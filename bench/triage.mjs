// @ts-check
// How well the offline classifier names the intents of published customer questions. Nothing of the data is kept.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crossValidate, evaluateAnswers, trainClassifier } from "@remit/agents/classifier";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = process.env.REMIT_DATA_DIR ?? join(root, "../shared/data");
const [given] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const file = given ?? join(data, "banking77/train.csv");

/** @param {string} name @param {number} otherwise */
const option = (name, otherwise) => {
  const found = process.argv.find((word) => word.startsWith(`--${name}=`));
  return found === undefined ? otherwise : Number(found.slice(name.length + 3));
};
const testFile = process.argv.find((word) => word.startsWith("--test="))?.slice("--test=".length);
/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Rows of a file of comma-separated values; a quoted one may hold anything. @param {string} text @param {string} file */
function rowsOf(text, file) {
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

/** @param {string} file */
function examplesOf(file) {
  const [head = [], ...rows] = rowsOf(readFileSync(file, "utf8").replace(/^\uFEFF/, ""), file);
  const [text, intent] = [
    head.indexOf("text"),
    head.findIndex((name) => ["category", "intent", "label"].includes(name)),
  ];
  if (text < 0 || intent < 0) throw new Error(`${file} needs a column text and one of category, intent, label`);
  const examples = rows.flatMap((row, index) => {
    if (row.length === 1 && row[0] === "") return [];
    // A comma that nobody quoted would move a piece of the text into the place of its intent.
    if (row.length !== head.length) {
      throw new Error(`${file}: row ${index + 2} has ${row.length} values, and the first row names ${head.length}`);
    }
    const one = { text: row[text] ?? "", intent: row[intent] ?? "" };
    return one.text.trim() === "" || one.intent === "" ? [] : [one];
  });
  const left = rows.filter((row) => row.length > 1).length - examples.length;
  if (left > 0) console.log(`${left} rows without a text or an intent left out`);
  return examples;
}

/**
 * What a classifier of the first examples says of the others.
 * @param {{ text: string, intent: string }[]} learned
 * @param {{ text: string, intent: string }[]} asked
 * @param {number} seed
 */
function tested(learned, asked, seed) {
  const classifier = trainClassifier(learned, { seed });
  return evaluateAnswers(asked.map((example) => ({ example, found: classifier.classify(example.text) })));
}

function measure() {
  if (given === undefined && !existsSync(file)) return console.log(`triage: skipped, there is no ${file}`);
  const examples = examplesOf(file);
  const seed = option("seed", 1);
  const folds = option("folds", 5);
  const began = performance.now();
  const { accuracy, calibrationError, confusions, routing } =
    testFile === undefined ? crossValidate(examples, { seed, folds }) : tested(examples, examplesOf(testFile), seed);
  const seconds = (performance.now() - began) / 1_000;
  const intents = new Set(examples.map((one) => one.intent)).size;
  const how =
    testFile === undefined
      ? `${folds} folds, seed ${seed} · ${(seconds / folds).toFixed(1)} s a fold`
      : `tested by ${testFile}, seed ${seed} · ${seconds.toFixed(1)} s`;
  console.log(`${examples.length} texts · ${intents} intents · ${how}`);
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

try {
  measure();
} catch (thrown) {
  if (!(thrown instanceof Error)) throw thrown;
  console.error(`triage: ${thrown.message}`);
  process.exitCode = 1;
}
