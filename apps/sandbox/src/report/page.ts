import { readFileSync } from "node:fs";
import { type SupervisorDefinition, toMermaid } from "@remit/core";
import type { Kpis } from "@remit/core/kpi";
import { spendingText } from "../face/money.ts";
import { decided, pathText, tallyText } from "../face/summary.ts";
import { count, duration } from "../face/text.ts";
import type { ScenarioReport, SuiteReport } from "../suite/report.ts";
import { addSpending } from "../suite/spend.ts";
import { type Totals, totalsOf } from "../suite/totals.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { kpiSection } from "./kpi.ts";
import { pictureOf, type Traffic } from "./picture.ts";
import type { RunData } from "./run-data.ts";

export interface PageOptions {
  readonly reports: readonly SuiteReport[];
  /** Timelines by run id; a run without one is listed all the same. */
  readonly runs: ReadonlyMap<string, RunData>;
  readonly definition: SupervisorDefinition;
  readonly traffic: Traffic;
  readonly command: (words: string) => string;
  /** Of all reports together. */
  readonly kpis?: Kpis;
}

/**
 * The report as one HTML file that needs nothing else: no network, no fonts, no framework. Everything that comes from a
 * run is escaped here or set as text by the page's script.
 */
export function page(options: PageOptions): string {
  const { reports, runs, definition, traffic } = options;
  const totals = totalsOf(reports);
  const first = reports[0];
  const title = `${first?.title ?? "Suite"} · ${models(reports)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<style>
${asset("report.css")}</style>
</head>
<body>
<header>
<p class="brand">Remit <span>sandbox report</span></p>
${headline(reports, totals)}
</header>
<main>
${tiles(reports, totals)}
${tallies(totals)}
${closings(reports)}
<section class="graph">
<h2>The supervisor</h2>
<p class="note">${escapeHtml(definition.name)}: the agents, and the only edges there are. Numbers say how often these runs took each.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Picture of the supervisor">${pictureOf(definition, traffic)}</div>
<details><summary>The same as text (Mermaid)</summary><pre>${escapeHtml(toMermaid(definition))}</pre></details>
</section>
${options.kpis ? kpiSection(options.kpis) : ""}
${scenarioSection(options)}
</main>
<footer><p>${footer(options)}</p></footer>
${[...runs].map(([id, data]) => `<script type="application/json" id="data-${escapeHtml(id)}">${scriptJson(data)}</script>`).join("\n")}
<script>
${asset("timeline.js")}${asset("report.js")}</script>
</body>
</html>
`;
}

/** A file beside the sources, with them in a build as well. */
export function asset(name: string): string {
  return readFileSync(new URL(`../../web/${name}`, import.meta.url), "utf8");
}

function models(reports: readonly SuiteReport[]): string {
  const [first] = reports;
  const last = reports.at(-1);
  if (!first || !last) return "";
  if (reports.length > 1) return `${first.model}, seeds ${first.seed} to ${last.seed}`;
  return first.model === "noisy" ? `noisy, seed ${first.seed}` : first.model;
}

function headline(reports: readonly SuiteReport[], totals: Totals): string {
  const [first] = reports;
  const strict = reports.every(({ model }) => model === "oracle");
  const isGood = totals.violations === 0 && (!strict || totals.failed === 0);
  const verdict =
    totals.violations > 0
      ? `${totals.violations} violations`
      : strict
        ? totals.failed === 0
          ? totals.waiting > 0
            ? `${totals.passed} passed, ${totals.waiting} wait for a person`
            : `All ${totals.runs} passed`
          : `${totals.failed} of ${totals.runs} failed`
        : "No violations";
  const when = first ? new Date(first.startedAt).toISOString().slice(0, 16).replace("T", " ") : "";
  return `<h1>${escapeHtml(first?.title ?? "Suite")}</h1>
<p class="about">Model <b>${escapeHtml(models(reports))}</b> · ${when} UTC · ${duration(totals.durationMs)} · <code>${escapeHtml(first?.suite ?? "")}</code>${spent(reports)}${replayed(reports)}</p>
<p class="verdict ${isGood ? "good" : "bad"}">${isGood ? "✓" : "✗"} ${verdict}</p>`;
}

function spent(reports: readonly SuiteReport[]): string {
  const all = addSpending(reports.flatMap(({ spending }) => spending ?? []));
  return all ? ` · spent ${escapeHtml(spendingText(all))}` : "";
}

function replayed(reports: readonly SuiteReport[]): string {
  const all = reports.flatMap(({ recording }) => (recording?.mode === "replay" ? [recording] : []));
  if (all.length === 0) return "";
  const missed = all.reduce((sum, one) => sum + one.missed, 0);
  const unused = all.reduce((sum, one) => sum + one.unused.length, 0);
  return ` · from a recording: ${count(missed, "request")} not in it, ${count(unused, "exchange")} not asked for`;
}

function tiles(reports: readonly SuiteReport[], totals: Totals): string {
  const strict = reports.every(({ model }) => model === "oracle");
  const tile = (number: number, name: string, more: string, tone = "") =>
    `<li class="${tone}"><b class="figure">${number.toLocaleString("en")}</b><span>${name}</span><small>${escapeHtml(more)}</small></li>`;
  return `<ul class="tiles" aria-label="Headline numbers">
${tile(totals.runs, totals.runs === 1 ? "run" : "runs", `${totals.passed} as expected, ${totals.failed} not${totals.waiting > 0 ? `, ${totals.waiting} waiting` : ""}`, strict && totals.failed > 0 ? "bad" : "")}
${tile(totals.reads + totals.writes, "calls allowed", `${count(totals.reads, "read")}, ${count(totals.writes, "write")}`)}
${tile(totals.denials, "calls denied", totals.denials === 0 ? "nobody overstepped" : "each with its reason", totals.denials > 0 ? "warn" : "")}
${tile(totals.handoffs, "handoffs", `${totals.handoffsRejected} rejected by contract`)}
${tile(totals.modelCalls, "model turns", `${count(totals.outputsRejected, "output")} sent back`)}
${tile(totals.questions, "questions", "put to people")}
${tile(sumOf(totals.approvals), sumOf(totals.approvals) === 1 ? "approval" : "approvals", approvalText(totals), totals.waiting > 0 ? "warn" : "")}
${tile(totals.violations, "violations", "of allowlist, contract, gate, write once", totals.violations > 0 ? "bad" : "good")}
</ul>`;
}

function sumOf(tally: Readonly<Record<string, number>>): number {
  return Object.values(tally).reduce((sum, number) => sum + number, 0);
}

function approvalText({ approvals, waiting }: Totals): string {
  const told = [tallyText(decided(approvals)), waiting > 0 ? `${waiting} waiting` : ""].filter((text) => text !== "");
  return told.join(", ") || "nobody was asked";
}

function tallies(totals: Totals): string {
  const list = (title: string, tally: Readonly<Record<string, number>>, toned = false) => {
    const entries = Object.entries(tally);
    const most = Math.max(1, ...entries.map(([, number]) => number));
    if (entries.length === 0) return "";
    const rows = entries.map(
      ([name, number]) =>
        `<tr><th scope="row">${escapeHtml(name)}</th><td>${number}</td><td class="bar"><i class="fill${toned ? ` ${escapeHtml(name)}` : ""}" style="width:${((number / most) * 100).toFixed(1)}%"></i></td></tr>`,
    );
    return `<div><h3>${title}</h3><table>${rows.join("")}</table></div>`;
  };
  return `<section class="tallies">${list(totals.waiting > 0 ? "How runs stand" : "How runs ended", totals.statuses, true)}${list("What people decided", decided(totals.approvals), true)}${list("What judges said", totals.verdicts, true)}${list("Why calls were denied", totals.denied)}${list("Faults the model made", totals.noise)}</section>`;
}

function closings(reports: readonly SuiteReport[]): string {
  const lines = reports.flatMap(({ closing, seed }) =>
    closing.map((line) => (reports.length > 1 ? `seed ${seed}: ${line}` : line)),
  );
  return lines.length === 0
    ? ""
    : `<section class="closing"><h2>The pack's own score</h2><pre>${escapeHtml(lines.join("\n"))}</pre></section>`;
}

function scenarioSection({ reports, runs, command }: PageOptions): string {
  const all = reports.flatMap((report) => report.scenarios.map((scenario) => ({ scenario, seed: report.seed })));
  const several = reports.length > 1;
  const statuses = [...new Set(all.map(({ scenario }) => scenario.status))].sort();
  const tags = [...new Set(all.flatMap(({ scenario }) => scenario.tags))].sort();
  const choices = (values: readonly string[]) =>
    values.map((value) => `<option value="${escapeHtml(value)}">${escapeHtml(value)}</option>`).join("");
  return `<section class="scenarios">
<h2>Scenarios</h2>
<form class="filter" role="search">
<fieldset><legend class="away">Result</legend>
<label><input type="radio" name="result" value="" checked><span>All</span></label>
<label><input type="radio" name="result" value="failed"><span>Not as expected</span></label>
<label><input type="radio" name="result" value="denied"><span>With denials</span></label>
</fieldset>
<label><span class="away">Status</span><select name="status"><option value="">Any status</option>${choices(statuses)}</select></label>
<label><span class="away">Tag</span><select name="tag"><option value="">Any tag</option>${choices(tags)}</select></label>
<label class="grow"><span class="away">Words</span><input type="search" name="words" placeholder="Name, title, run or reason"></label>
<output name="shown" aria-live="polite">${all.length} shown</output>
</form>
<noscript><p class="note">Filters and timelines need scripts. Without: <code>${escapeHtml(command("show <run>"))}</code></p></noscript>
<table class="runs">
<thead><tr><th scope="col"><span class="away">Result</span></th><th scope="col">Scenario</th>${several ? '<th scope="col">Seed</th>' : ""}<th scope="col">Status</th><th scope="col" class="wide">Path or reason</th><th scope="col" class="number${several ? " wide" : ""}">Calls</th><th scope="col" class="number">Denied</th><th scope="col" class="number wide">Time</th></tr></thead>
${all.map(({ scenario, seed }) => scenarioRow(scenario, several ? seed : undefined, runs.has(scenario.runId), command)).join("\n")}
</table>
<p class="nothing" hidden>No scenario fits.</p>
</section>`;
}

function scenarioRow(
  scenario: ScenarioReport,
  seed: number | undefined,
  hasTimeline: boolean,
  command: (words: string) => string,
): string {
  const { name, title, runId, status, reason, ok, waiting, counts, tags, path, durationMs } = scenario;
  const denied = Object.values(counts.denied).reduce((sum, number) => sum + number, 0);
  const words = `${name} ${title} ${runId} ${reason} ${tags.join(" ")}`.toLowerCase();
  const columns = seed === undefined ? 7 : 8;
  return `<tbody id="${escapeHtml(runId)}" data-ok="${ok || waiting}" data-status="${status}" data-denied="${denied}" data-tags="${escapeHtml(tags.join("\n"))}" data-words="${escapeHtml(words)}">
<tr class="row"><td class="mark ${waiting ? "" : ok ? "good" : "bad"}"><span aria-hidden="true">${waiting ? "·" : ok ? "✓" : "✗"}</span><span class="away">${waiting ? "waits" : ok ? "as expected" : "not as expected"}</span></td>
<th scope="row"><button type="button" aria-expanded="false" aria-controls="more-${escapeHtml(runId)}"><b class="headline">${escapeHtml(title)}</b><small class="name">${escapeHtml(name)}</small></button></th>
${seed === undefined ? "" : `<td>${seed}</td>`}<td><span class="status ${status}">${status}</span></td><td class="wide path">${escapeHtml(reason === "" ? pathText(path) : reason)}</td><td class="number${seed === undefined ? "" : " wide"}">${counts.reads + counts.writes}</td><td class="number${denied > 0 ? " warn" : ""}">${denied === 0 ? "·" : denied}</td><td class="number wide">${duration(durationMs)}</td></tr>
<tr class="more" id="more-${escapeHtml(runId)}" hidden><td colspan="${columns}">${details(scenario, hasTimeline, command)}</td></tr>
</tbody>`;
}

function details(scenario: ScenarioReport, hasTimeline: boolean, command: (words: string) => string): string {
  const { runId, status, reason, waiting, checks, counts, tags, violations, source, path } = scenario;
  if (!hasTimeline) {
    const wrong = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
    const lines = [...violations.map((text) => `violation: ${text}`), ...wrong].map(
      (text) => `<li class="bad">${escapeHtml(text)}</li>`,
    );
    return `<ul class="checks">${lines.join("")}</ul><p class="note">The timeline is left out of this page for its size: <code>${escapeHtml(command(`show ${runId}`))}</code></p>`;
  }
  const denied = Object.entries(counts.denied).map(([code, number]) => `${code} ${number}`);
  const facts: [string, string][] = [
    ["Run", runId],
    [waiting ? "Waits" : "Ended", reason === "" ? status : `${status}: ${reason}`],
    ["Path", pathText(path)],
    ["Tags", tags.join(", ")],
    [
      "Counts",
      [
        count(counts.entries, "entry", "entries"),
        count(counts.modelCalls, "model turn"),
        count(counts.reads, "read"),
        count(counts.writes, "write"),
        count(counts.questions, "question"),
      ].join(", "),
    ],
    ["Verdicts", tallyText(counts.verdicts)],
    ["Approvals", tallyText(decided(counts.approvals))],
    ["Denied", denied.join(" · ")],
    [
      "Rejected",
      counts.outputsRejected + counts.handoffsRejected === 0
        ? ""
        : `${count(counts.outputsRejected, "output")}, ${count(counts.handoffsRejected, "handoff")}`,
    ],
    ["Written in", source ?? ""],
    ["Look again", `${command(`show ${runId}`)}\n${command(`replay ${runId}`)}`],
  ];
  const list = facts
    .filter(([, value]) => value !== "")
    .map(
      ([name, value]) =>
        `<dt>${name}</dt><dd${name === "Run" || name === "Look again" ? ' class="code"' : ""}>${escapeHtml(value)}</dd>`,
    );
  const lines = [
    ...violations.map((text) => `<li class="bad"><b class="check">Violation</b> ${escapeHtml(text)}</li>`),
    ...checks.map(
      ({ name, ok, detail }) =>
        `<li class="${ok ? "good" : "bad"}"><b class="check">${escapeHtml(name)}</b>${detail === "" ? "" : ` <span class="seen">${escapeHtml(detail)}</span>`}</li>`,
    ),
  ];
  const isToCome = waiting && lines.length === 0;
  const checked = isToCome
    ? '<p class="note">They are made when the run has ended.</p>'
    : `<ul class="checks">${lines.join("")}</ul>`;
  return `<div class="facts"><dl>${list.join("")}</dl><div><h3>Checks</h3>${checked}</div></div>
<h3>Timeline</h3><div class="timeline" data-run="${escapeHtml(runId)}"></div>`;
}

function footer({ reports, runs, command }: PageOptions): string {
  const entries = totalsOf(reports).entries.toLocaleString("en");
  return `Made from ${entries} journal entries of ${runs.size} timelines. Every run can be decided again from its journal alone: <code>${escapeHtml(command("replay --all"))}</code>`;
}
