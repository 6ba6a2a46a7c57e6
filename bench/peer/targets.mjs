// @ts-check
/** What the peer kit measured, held against the targets. Ratios are taken inside a round; the median of them counts. */

/**
 * @typedef {{ readonly round: number, readonly error?: string, readonly [figure: string]: any }} Measured
 * @typedef {{ readonly perS: number, readonly p99Ms: number }} Load
 * @typedef {{ readonly raw: Readonly<Record<string, Readonly<Record<string, readonly Measured[]>>>> }} Results
 */

/** Variants of peers that store on disk; one that keeps snapshots of a bare machine is no framework. */
const durable = /(?:libsql|sqlite-saver)$/;
/** Our variants in memory, by what is on beside what always is. */
const inMemory = {
  asked: "in memory",
  "asked-proved": "in memory, each hash asked for",
  "asked-governed": "in memory, a policy and sealed values",
};
/** Our variants that store on disk, by what their models are taken for. */
export const durableVariants = { "sqlite-free": "models without cost", sqlite: "paid models" };
const openai = /^openai-agents\//;
const bases = /^(?:remit|floor|xstate|mcp-sdk)\//;

/**
 * A table as text, one line for each target that what was measured says anything about.
 * @param {Results} results @param {Readonly<Record<string, readonly Load[]>>} loads 100 durable runs at a time, by variant,
 *   a round each
 */
export function judge({ raw }, loads = {}) {
  /** @param {string} key @param {string} mode @param {(one: Measured) => number} read */
  const median = (key, mode, read) => middleOf((raw[key]?.[mode] ?? []).filter(({ error }) => !error).map(read));
  /** @param {string} key @param {string} base @param {string} mode @param {(one: Measured) => number} read */
  const ratio = (key, base, mode, read) =>
    middleOf(
      (raw[key]?.[mode] ?? []).flatMap((one) => {
        const other = raw[base]?.[mode]?.find(({ round, error }) => round === one.round && !error);
        return one.error || !other ? [] : [read(one) / read(other)];
      }),
    );
  const ms = (/** @type {Measured} */ one) => one.median;
  /** @type {(readonly [what: string, value: number, target: string, met: boolean])[]} */
  const rows = [];
  /** @param {string} what @param {number} value @param {number} most @param {string} unit */
  const atMost = (what, value, most, unit) => rows.push([what, value, `at most ${most}${unit}`, value <= most]);
  /** @param {string} what @param {number} value @param {number} least @param {string} unit */
  const atLeast = (what, value, least, unit) => rows.push([what, value, `at least ${least}${unit}`, value >= least]);

  for (const [variant, what] of Object.entries(inMemory)) {
    atMost(`${what}, ms per run`, median(`remit/${variant}`, "seq", ms), 0.45, " ms");
    atLeast(
      `${what}, 100 in flight`,
      median(`remit/${variant}`, "conc", ({ perS }) => perS),
      2_000,
      " runs/s",
    );
  }
  for (const [variant, models] of Object.entries(durableVariants)) {
    const base = ratio(`remit/${variant}`, "floor/sqlite-full", "seq", ms);
    atMost(`SQLite FULL, ${models}, against floor/sqlite-full`, base, 3, "×");
    const measured = loads[variant] ?? [];
    atLeast(`SQLite FULL, ${models}, 100 in flight`, middleOf(measured.map(({ perS }) => perS)), 1_000, " runs/s");
    atMost("event loop's delay meanwhile, p99", middleOf(measured.map(({ p99Ms }) => p99Ms)), 20, " ms");
  }
  atMost(
    "heap of a parked run",
    median("remit/asked", "park", ({ heapKiB }) => heapKiB),
    12,
    " KiB",
  );
  atMost(
    "import",
    median("remit/asked", "cold", (one) => one.import),
    80,
    " ms",
  );
  for (const key of Object.keys(raw)) {
    if (bases.test(key)) continue;
    const least = openai.test(key) ? 7 : 1;
    if (durable.test(key)) {
      for (const [variant, models] of Object.entries(durableVariants)) {
        atLeast(`${key} against SQLite FULL, ${models}`, ratio(key, `remit/${variant}`, "seq", ms), 8, "×");
      }
      continue;
    }
    for (const [variant, what] of Object.entries(inMemory)) {
      atLeast(`${key} against ours ${what}`, ratio(key, `remit/${variant}`, "seq", ms), least, "×");
    }
  }
  const known = rows.filter(([, value]) => Number.isFinite(value));
  const lines = known.map(([what, value, target, met]) => {
    return `| ${what} | ${value.toPrecision(3)} | ${target} | ${met ? "met" : "missed"} |`;
  });
  return ["| what | measured | target | |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

/** @param {readonly number[]} values */
function middleOf(values) {
  const sorted = values.filter(Number.isFinite).sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
