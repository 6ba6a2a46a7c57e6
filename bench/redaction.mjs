// Precision, recall and leakage of the detectors over published data, and what sealing costs. Nothing of the data is kept.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { detection } from "@remit/core";
import { addressDetector, allDetectors, personDetector, secretDetector, secretRules } from "@remit/tools/detect";
import fc from "fast-check";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = process.env.REMIT_DATA_DIR ?? join(root, "../shared/data");
const classes = {
  EMAIL_ADDRESS: "email",
  CREDIT_CARD: "card",
  IBAN_CODE: "iban",
  US_SSN: "us-ssn",
  IP_ADDRESS: "ip",
  PHONE_NUMBER: "phone",
  PERSON: "person",
  STREET_ADDRESS: "address",
};
const strict = ["EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "PHONE_NUMBER"];
const percent = (part, whole) => (whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`);
const verbose = process.argv.includes("--misses");

function personalData() {
  const file = join(data, "pii-presidio/pii.jsonl");
  if (!existsSync(file)) return console.log(`personal data: skipped, there is no ${file}`);
  const rows = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const sure = detection(allDetectors());
  const guessing = detection([personDetector, addressDetector]);
  const tally = Object.fromEntries(
    Object.values(classes).map((name) => [name, { marked: 0, hit: 0, same: 0, found: 0, right: 0 }]),
  );
  let marked = 0;
  let leaked = 0;
  let clean = 0;
  let spoilt = 0;
  for (const { text, spans } of rows) {
    const finds = [...sure.find(text), ...guessing.find(text)];
    let shown = text;
    for (const { start, end } of [...sure.find(text)].reverse())
      shown = `${shown.slice(0, start)}[x]${shown.slice(end)}`;
    for (const span of spans) {
      const name = classes[span.type];
      if (!name) continue;
      const over = finds.filter(({ start, end }) => start < span.end && end > span.start);
      const covers = over.some(({ start, end }) => start <= span.start && end >= span.end);
      tally[name].marked++;
      if (covers) tally[name].hit++;
      if (over.some((find) => find.class === name)) tally[name].same++;
      if (!strict.includes(span.type)) continue;
      marked++;
      if (shown.includes(span.value)) {
        leaked++;
        if (verbose)
          console.log("LEAKED", span.type, span.value, "|", text.slice(Math.max(0, span.start - 40), span.end + 20));
      } else if (!covers && verbose)
        console.log(
          "PART",
          span.type,
          span.value,
          over.map(({ start, end }) => text.slice(start, end)),
        );
    }
    for (const find of finds) {
      const of = tally[find.class];
      if (!of) continue;
      of.found++;
      if (spans.some(({ type, start, end }) => classes[type] === find.class && start < find.end && end > find.start))
        of.right++;
      else if (verbose && !["person", "address"].includes(find.class))
        console.log(
          "WRONG",
          find.class,
          text.slice(find.start, find.end),
          "|",
          text.slice(Math.max(0, find.start - 30), find.end + 20),
          spans.filter(({ start, end }) => start < find.end && end > find.start).map(({ type }) => type),
        );
    }
    if (spans.every(({ type }) => !strict.includes(type))) {
      clean++;
      if (sure.find(text).length > 0) spoilt++;
    }
  }
  console.log(`personal data: ${rows.length} sentences`);
  console.log(
    "| class | marked | recall (covered) | recall (as this class) | found | precision |\n| --- | ---: | ---: | ---: | ---: | ---: |",
  );
  for (const [name, { marked: all, hit, same, found, right }] of Object.entries(tally)) {
    console.log(
      `| ${name} | ${all} | ${percent(hit, all)} | ${percent(same, all)} | ${found} | ${percent(right, found)} |`,
    );
  }
  console.log(
    `leakage of the six classes: ${leaked} of ${marked} values (${percent(leaked, marked)}); sentences without any of them in which something was found: ${spoilt} of ${clean}`,
  );
}

function secrets() {
  const file = join(data, "gitleaks-rules/gitleaks.toml");
  if (!existsSync(file)) return console.log(`secrets: skipped, there is no ${file}`);
  const toml = readFileSync(file, "utf8");
  const rules = secretRules(toml);
  console.log(
    `\nsecrets: ${rules.loaded.length} rules loaded, ${rules.skipped.length} left out (${rules.skipped.map(({ id, reason }) => `${id}: ${reason}`).join("; ")})`,
  );
  const own = detection([secretDetector()]);
  const both = detection([secretDetector(), rules.detector]);
  let samples = 0;
  let byOwn = 0;
  let byBoth = 0;
  const missed = new Map();
  for (const { id, text, value } of samplesOf(rules)) {
    samples++;
    const covers = (look) =>
      look.find(text).some(({ start, end }) => start < end && text.slice(start, end).includes(value)) ||
      !hide(text, look).includes(value);
    if (covers(own)) byOwn++;
    else missed.set(id, (missed.get(id) ?? 0) + 1);
    if (covers(both)) byBoth++;
  }
  console.log(
    `recall on ${samples} texts drawn from the rules' own expressions: own detector ${percent(byOwn, samples)}, with the rules loaded ${percent(byBoth, samples)}`,
  );
  if (verbose)
    console.log("missed by the own detector:", [...missed].map(([id, count]) => `${id} ${count}`).join(", "));
}

/** Secrets that a rule's own expression and entropy take for one, each in a line of an environment, of a program, of a file. */
function* samplesOf({ loaded, detector }) {
  const lines = [
    (name, secret) => `${name.toUpperCase()}_API_KEY=${secret}\n`,
    (name, secret) => `const ${name}Token = "${secret}";`,
    (name, secret) => `${name}_secret: '${secret}'`,
  ];
  for (const { id, pattern } of loaded) {
    const source = pattern.source.replaceAll(/\(\?[ims]+:/g, "(?:").replaceAll(/\(\?<\w+>/g, "(");
    const assigned = /\(\?:=\|>/.test(source);
    const name = /\(\?:([a-z][\w-]{2,})/i.exec(source)?.[1] ?? id.split("-")[0];
    const secret = (assigned ? groupOf(source) : source)
      .replace(/^\\b/, "")
      .replace(/\(\?:\[\\x60.*$/, "")
      .replace(/\\b$/, "");
    let drawn;
    try {
      drawn = fc.sample(fc.stringMatching(new RegExp(`^${secret}$`), { size: "medium" }), { numRuns: 60, seed: 7 });
    } catch {
      continue; // An expression that nothing can be drawn from.
    }
    let count = 0;
    for (const value of drawn) {
      if (count >= 15) break;
      const text = lines[count % lines.length](name, value);
      const found = detector.detect(text).find(({ start, end }) => text.slice(start, end).includes(value.slice(0, 12)));
      if (!found || /[^\x20-\x7e]/.test(value)) continue;
      count++;
      yield { id, text, value: text.slice(found.start, found.end) };
    }
  }
}

/** The first group that catches. */
function groupOf(source) {
  const at = source.search(/(?<!\\)\((?!\?)/);
  if (at < 0) return source;
  let depth = 0;
  for (let index = at; index < source.length; index++) {
    if (source[index] === "\\") index++;
    else if (source[index] === "[") index = source.indexOf("]", index);
    if (source[index] === "(") depth++;
    if (source[index] === ")" && --depth === 0) return source.slice(at, index + 1);
  }
  return source;
}

function hide(text, look) {
  let shown = text;
  for (const { start, end } of [...look.find(text)].reverse())
    shown = `${shown.slice(0, start)}\u0000${shown.slice(end)}`;
  return shown;
}

personalData();
secrets();

/** p50 of sealing one tool's answer of about a kilobyte, in microseconds; commits apart. */
async function cost() {
  const { sealJson } = await import("../packages/core/src/seal/sealer.ts");
  const { sealRules } = await import("../packages/core/src/seal/settings.ts");
  const { openVault } = await import("../packages/core/src/seal/vault.ts");
  const { readVaultKey } = await import("../packages/core/src/seal/cipher.ts");
  const { memoryEngine } = await import("@remit/core");
  const rules = sealRules({ vault: { key: Buffer.alloc(32, 3) }, seal: { detectors: allDetectors() } });
  const open = () =>
    openVault({
      key: { tenant: "t", runId: "r" },
      journal: memoryEngine().journal,
      now: () => 0,
      salt: () => "0123456789012345678901",
      keys: rules.keys,
      passing: { id: "passing", bytes: readVaultKey(Buffer.alloc(32, 4)).bytes },
    });
  const order = (number, more = {}) => ({
    orderId: `W${1000 + number}`,
    status: "shipped",
    items: Array.from({ length: 6 }, (_, item) => ({
      name: "Blue kettle",
      sku: `K-${item}`,
      quantity: 2,
      cents: 4900,
    })),
    history: ["placed", "paid", "packed", "shipped"].map((step, day) => ({ step, at: `2026-05-1${day}T10:00:00Z` })),
    note: "Left with the neighbour, who was told to water it. The lid came loose and was glued.",
    ...more,
  });
  const words = (number) => ({ text: "The lid came loose on the way and was glued by the shop. ".repeat(18), number });
  const values = (number) =>
    order(number, {
      email: `ada.${number}@example.org`,
      phone: "+44 20 7946 0958",
      note: `Paid with 4111 1111 1111 1111. ${order(0).note}`,
    });
  console.log("\ncost of sealing one answer (p50, µs)");
  console.log(
    "| answer | characters | first time | again in the same run, 20 values known |\n| --- | ---: | ---: | ---: |",
  );
  for (const [name, make] of [
    ["words alone", words],
    ["a record: numbers, dates, no values", order],
    ["the same with 3 values", values],
  ]) {
    const measure = async (fill) => {
      const times = [];
      const vault = await open();
      for (let index = 0; index < fill; index++) vault.seal("email", `known.${index}@example.org`, true);
      const context = { vault, rules, tenant: "t" };
      for (let round = 0; round < 3000; round++) {
        const fresh = fill === 0 ? { ...context, vault: await open() } : context;
        const value = make(fill === 0 ? round : 7);
        const before = process.hrtime.bigint();
        sealJson(value, undefined, fresh);
        times.push(Number(process.hrtime.bigint() - before) / 1000);
      }
      return times
        .slice(500)
        .sort((a, b) => a - b)[1250]
        .toFixed(1);
    };
    console.log(`| ${name} | ${JSON.stringify(make(1)).length} | ${await measure(0)} | ${await measure(20)} |`);
  }
}

await cost();
