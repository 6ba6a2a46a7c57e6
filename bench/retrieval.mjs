// What the search of a library finds in published material, without a model. Ids of documents are numbers here, so that none of
// them tells anything; nothing of the data is kept, and nothing is tuned to it but the constants that `@remit/tools` has.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLibrary } from "@remit/tools/library";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = process.env.REMIT_DATA_DIR ?? join(root, "../shared/data");
const seed = Number(process.argv[process.argv.indexOf("--seed") + 1] || 1) || 1;
const verbose = process.argv.includes("--misses");
const resamples = 2_000;

const linesOf = (file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

function missing(what, ...files) {
  const absent = files.find((file) => !existsSync(file));
  if (absent) console.log(`${what}: skipped, there is no ${absent}`);
  return absent !== undefined;
}

/** The mean, and between what it lies in 95 of 100 draws of as many cases with replacement. */
function mean(values) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const average = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const drawn = Array.from({ length: resamples }, () =>
    average(values.map(() => values[Math.floor(random() * values.length)])),
  ).sort((left, right) => left - right);
  const at = (share) => drawn[Math.floor(share * resamples)].toFixed(3);
  return `${average(values).toFixed(3)} (${at(0.025)} to ${at(0.975)})`;
}

function timed(library, queries) {
  library.find("warm up");
  const took = queries.map((query) => {
    const started = performance.now();
    library.find(query, { most: 10 });
    return performance.now() - started;
  });
  took.sort((left, right) => left - right);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))].toFixed(1);
  return `${at(0.5)} ms, ${at(0.95)} ms at the 95th percentile`;
}

function bank() {
  const folder = join(data, "tau2-banking-knowledge");
  const [documentsFile, tasksFile] = [join(folder, "documents.jsonl"), join(folder, "tasks.json")];
  if (missing("a bank's knowledge base", documentsFile, tasksFile)) return;
  const lines = linesOf(documentsFile);
  const placeOf = new Map(lines.map(({ id }, place) => [id, String(place)]));
  const documents = lines.map(({ title, content }, place) => ({ id: String(place), title, text: content }));
  const library = openLibrary({ name: "bank", documents });
  const tasks = JSON.parse(readFileSync(tasksFile, "utf8"));
  const figures = { ten: [], required: [], first: [], bound: [] };
  for (const { id, user_scenario, required_documents } of tasks) {
    const wanted = new Set(required_documents.map((one) => placeOf.get(one)));
    const found = library.find(user_scenario.instructions, { most: 100 }).map(({ documentId }) => documentId);
    const among = (most) => found.slice(0, most).filter((one) => wanted.has(one)).length / wanted.size;
    const rank = found.findIndex((one) => wanted.has(one));
    figures.ten.push(among(10));
    figures.required.push(among(wanted.size));
    figures.first.push(rank < 0 ? 0 : 1 / (rank + 1));
    figures.bound.push(Math.min(1, 10 / wanted.size));
    if (verbose && rank > 0) console.log(`  ${id}: the first one that is needed comes at rank ${rank + 1}`);
  }
  console.log(
    `a bank's knowledge base: ${documents.length} documents, ${tasks.length} tasks, query = the customer's instructions`,
  );
  console.log(`  recall@10 ${mean(figures.ten)}, of at most ${mean(figures.bound).slice(0, 5)}`);
  console.log(`  recall@R  ${mean(figures.required)}`);
  console.log(`  MRR       ${mean(figures.first)}`);
  console.log(
    `  a search  ${timed(
      library,
      tasks.map((task) => task.user_scenario.instructions),
    )}`,
  );
}

function runbooks() {
  const file = join(data, "openshift-runbooks/runbooks.jsonl");
  if (missing("runbooks of a container platform", file)) return;
  const lines = linesOf(file);
  const documents = lines.map(({ text }, place) => ({
    id: String(place),
    title: "",
    text: text.replace(/^\s*#[^\n]*\n/, ""),
  }));
  const library = openLibrary({ name: "runbooks", documents });
  const asked = lines.flatMap(({ alert, text }, place) => {
    const meaning = /^#+ Meaning\s*\n+([\s\S]*?)(?:\.(?=\s|$)|\n\s*\n)/m.exec(text)?.[1];
    return meaning === undefined ? [] : [{ place: String(place), alert, query: `${alert} ${meaning}` }];
  });
  const firsts = [];
  const ranks = [];
  for (const { place, alert, query } of asked) {
    const rank = library.find(query, { most: 100 }).findIndex(({ documentId }) => documentId === place);
    firsts.push(rank === 0 ? 1 : 0);
    ranks.push(rank < 0 ? 0 : 1 / (rank + 1));
    if (verbose && rank !== 0) console.log(`  ${alert} comes at rank ${rank + 1}`);
  }
  const skipped = lines.length - asked.length;
  console.log(
    `runbooks of a container platform: ${lines.length}, ${skipped} of them without a meaning, titles taken away`,
  );
  console.log(`  rank 1    ${firsts.filter((one) => one === 1).length}/${asked.length}, ${mean(firsts)}`);
  console.log(`  MRR       ${mean(ranks)}`);
  console.log(
    `  a search  ${timed(
      library,
      asked.map(({ query }) => query),
    )}`,
  );
}

console.log(`in brackets: 95 % of ${resamples} resamples of the cases, seed ${seed}`);
bank();
runbooks();
