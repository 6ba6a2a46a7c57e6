import type { ScenarioReport, SuiteReport } from "../suite/report.ts";
import { addSpending } from "../suite/spend.ts";
import { totalsOf } from "../suite/totals.ts";
import { byModelText, spendingText } from "./money.ts";
import type { Screen } from "./screen.ts";
import { type Cell, type Column, pairs, table } from "./table.ts";
import { count, duration, printable, wrap } from "./text.ts";

const callsOf = ({ counts }: ScenarioReport) => counts.reads + counts.writes;
const deniedOf = ({ counts }: ScenarioReport) => Object.values(counts.denied).reduce((sum, number) => sum + number, 0);

const scenarioColumns: readonly Column[] = [
  { title: "" },
  { title: "scenario", atLeast: 14 },
  { title: "what it is about", atLeast: 24, gives: 1, spare: 3 },
  { title: "status" },
  { title: "path or reason", atLeast: 19, gives: 2, spare: 1 },
  { title: "calls", align: "right" },
  { title: "denied", align: "right" },
  { title: "time", align: "right", spare: 2 },
];

/** One line a scenario. */
export function scenarioTable(report: SuiteReport, { columns, paint }: Screen): string[] {
  const short = shortNames(report.scenarios.flatMap(({ path }) => path));
  const rows = report.scenarios.map((one): Cell[] => {
    const denied = deniedOf(one);
    return [
      one.waiting
        ? { text: "·", tint: paint.warn }
        : { text: one.ok ? "✓" : "✗", tint: one.ok ? paint.good : paint.bad },
      { text: printable(one.name) },
      { text: printable(one.title), tint: paint.quiet },
      {
        text: one.status,
        tint: one.status === "failed" ? paint.bad : one.status === "completed" ? paint.good : paint.warn,
      },
      {
        text: printable(
          one.reason === ""
            ? pathText(
                one.path.map((name) => short.get(name) ?? name),
                "→",
              )
            : one.reason,
        ),
        tint: paint.quiet,
      },
      { text: String(callsOf(one)) },
      { text: denied === 0 ? "·" : String(denied), tint: denied === 0 ? paint.quiet : paint.warn },
      { text: duration(one.durationMs), tint: paint.quiet },
    ];
  });
  return table(scenarioColumns, rows, { columns, head: paint.quiet });
}

const seedColumns: readonly Column[] = [
  { title: "seed", align: "right" },
  { title: "runs", align: "right" },
  { title: "as expected", align: "right" },
  { title: "faults", align: "right" },
  { title: "denied", align: "right" },
  { title: "outputs rejected", align: "right" },
  { title: "handoffs rejected", align: "right", spare: 1 },
  { title: "violations", align: "right" },
  { title: "time", align: "right", spare: 2 },
];

/** One line a suite, for a range of seeds. */
export function seedTable(reports: readonly SuiteReport[], { columns, paint }: Screen): string[] {
  const rows = reports.map((report): Cell[] => {
    const totals = totalsOf([report]);
    const faults = Object.values(totals.noise).reduce((sum, number) => sum + number, 0);
    const numbers = [report.seed, totals.runs, totals.passed, faults, totals.denials, totals.outputsRejected];
    return [
      ...numbers.map((number) => ({ text: String(number) })),
      { text: String(totals.handoffsRejected) },
      { text: String(totals.violations), tint: totals.violations > 0 ? paint.bad : paint.good },
      { text: duration(report.durationMs), tint: paint.quiet },
    ];
  });
  return table(seedColumns, rows, { columns, head: paint.quiet });
}

/** The numbers under the table. */
export function totalLines(reports: readonly SuiteReport[], { columns, paint }: Screen): string[] {
  const totals = totalsOf(reports);
  const held = reports.every(({ model }) => model === "oracle");
  const waiting = totals.waiting === 0 ? "" : `, ${grouped(totals.waiting)} waiting`;
  const result = held
    ? `${grouped(totals.passed)} passed, ${grouped(totals.failed)} failed${waiting}`
    : `${grouped(totals.passed)} as the ground truth has it, ${grouped(totals.failed)} otherwise (not expected of this model)${waiting}`;
  const lines: [string, string][] = [
    ["scenarios", `${count(totals.runs, "run")} in ${duration(totals.durationMs)}: ${result}`],
    [totals.waiting === 0 ? "ended" : "status", tallyText(totals.statuses)],
    ["calls", `${count(totals.reads, "read")}, ${count(totals.writes, "write")}, ${grouped(totals.denials)} denied`],
    ...(totals.denials > 0 ? [["denied", tallyText(totals.denied)] as [string, string]] : []),
    ...(Object.keys(totals.verdicts).length > 0
      ? [["verdicts", `${tallyText(totals.verdicts)}, each on one write`] as [string, string]]
      : []),
    ...(Object.keys(totals.approvals).length > 0
      ? [["approvals", tallyText(decided(totals.approvals))] as [string, string]]
      : []),
    ["handoffs", `${grouped(totals.handoffs)} delivered, ${grouped(totals.handoffsRejected)} rejected`],
    [
      "answers",
      `${count(totals.modelCalls, "model call")}, ${count(totals.outputsRejected, "output")} rejected by contract`,
    ],
    ["questions", `${grouped(totals.questions)} put to people`],
    ...spendingLines(reports),
    ...(Object.keys(totals.noise).length > 0 ? [["faults made", tallyText(totals.noise)] as [string, string]] : []),
  ];
  const violations = `violations ${totals.violations}`;
  const meaning =
    "calls outside an allowlist that ran, payloads outside a contract that arrived, writes that happened twice, or without the verdict or approvals they need";
  return [
    ...pairs(lines, { columns, name: paint.quiet }),
    totals.violations > 0 ? paint.bad(violations) : paint.good(violations),
    ...wrap(meaning, columns - 2, 3).map((line) => `  ${paint.quiet(line)}`),
  ];
}

function spendingLines(reports: readonly SuiteReport[]): [string, string][] {
  const all = addSpending(reports.flatMap(({ spending }) => spending ?? []));
  if (!all) return [];
  const more: [string, string][] =
    Object.keys(all.models).length > 1 ? [["by model", printable(byModelText(all))]] : [];
  return [["spent", spendingText(all)], ...more];
}

/** What did not hold, one paragraph a scenario. At most `most` of them. */
export function failureLines(reports: readonly SuiteReport[], { columns, paint }: Screen, most = 20): string[] {
  const lines: string[] = [];
  const failed = reports.flatMap(({ model, scenarios }) =>
    scenarios.filter(({ ok, waiting, violations, missed = [] }) =>
      model === "oracle" && !waiting ? !ok : violations.length > 0 || missed.length > 0,
    ),
  );
  for (const { name, runId, checks, violations, source, missed = [] } of failed.slice(0, most)) {
    lines.push(
      `${paint.bad("✗")} ${paint.strong(printable(name))} ${paint.quiet(printable(`${runId} ${source ?? ""}`))}`,
    );
    // Where an answer was missing, nothing else that does not hold says more.
    const wrong = missed.length > 0 ? [] : checks.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.detail}`);
    const told = [...missed.map((miss) => `not recorded: ${miss}`), ...wrong];
    for (const text of [...violations.map((violation) => `violation: ${violation}`), ...told]) {
      lines.push(...wrap(printable(text), columns - 4, 4).map((line) => `    ${line}`));
    }
  }
  if (failed.length > most) lines.push(paint.quiet(`… and ${failed.length - most} more`));
  return lines;
}

/** Where the exchanges went to or came from, and those that nobody has asked for. At most `most` of them. */
export function recordingLines(
  reports: readonly SuiteReport[],
  { columns, paint }: Screen,
  shown: (path: string) => string,
  most = 10,
): string[] {
  const all = reports.flatMap(({ recording, seed }) => (recording ? [{ ...recording, seed }] : []));
  const [first] = all;
  if (!first) return [];
  if (first.mode === "record") return [`Recorded in ${shown(first.folder)}`];
  const missed = all.reduce((sum, one) => sum + one.missed, 0);
  const unused = all.flatMap((one) => one.unused.map((exchange) => ({ ...exchange, seed: one.seed })));
  const told = `${count(missed, "request")} not recorded, ${count(unused.length, "exchange")} not asked for`;
  return [
    (missed > 0 ? paint.bad : unused.length > 0 ? paint.warn : paint.good)(`recording  ${told}`),
    ...unused.slice(0, most).flatMap(({ scenario, seed, line, agent }) => {
      const text = `not asked for: line ${line} of seed-${seed}/${scenario}, an answer to ${agent}`;
      return wrap(printable(text), columns - 2, 2).map((one) => `  ${paint.quiet(one)}`);
    }),
    ...(unused.length > most ? [paint.quiet(`  … and ${unused.length - most} more`)] : []),
  ];
}

const decidedWords: Readonly<Record<string, string>> = {
  approve: "approved",
  reject: "rejected",
  edit: "edited",
  expire: "expired",
};

/** What people decided, as what became of the writes. */
export function decided(approvals: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(approvals).map(([key, times]) => [decidedWords[key] ?? key, times]));
}

export function tallyText(tally: Readonly<Record<string, number>>): string {
  return Object.entries(tally)
    .map(([key, number]) => `${key} ${grouped(number)}`)
    .join(" · ");
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** `triage → retrieval ×3 → reviewer`: neighbours that repeat are told once. */
export function pathText(path: readonly string[], arrow = " → "): string {
  const parts: { name: string; times: number }[] = [];
  for (const name of path) {
    const last = parts.at(-1);
    if (last?.name === name) last.times++;
    else parts.push({ name, times: 1 });
  }
  const space = arrow.trim() === arrow ? "" : " ";
  return parts.map(({ name, times }) => (times > 1 ? `${name}${space}×${times}` : name)).join(arrow);
}

/** Names cut to the three letters or more that tell them apart. */
function shortNames(names: readonly string[]): ReadonlyMap<string, string> {
  const all = [...new Set(names)];
  const short = (name: string): string => {
    for (let length = 3; length < name.length; length++) {
      const start = name.slice(0, length);
      if (all.every((other) => other === name || !other.startsWith(start))) return start;
    }
    return name;
  };
  return new Map(all.map((name) => [name, short(name)]));
}
