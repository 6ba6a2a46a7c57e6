import { dollars } from "../../face/money.ts";
import { statuses } from "../../face/statuses.ts";
import { count, duration } from "../../face/text.ts";
import type { RunGroup } from "../source.ts";
import type { RunLine, RunsQuery, RunsView } from "../view/runs.ts";
import { query, runHref, statusPill, when } from "./frame.ts";
import { type Html, html, type Piece } from "./html.ts";

/** The list of runs. */
export function runsBody(
  view: RunsView,
  {
    groups,
    unreadable,
    asked,
    now,
    command,
  }: {
    readonly groups: readonly RunGroup[];
    readonly unreadable: Piece;
    readonly asked: RunsQuery;
    readonly now: number;
    readonly command: (words: string) => string;
  },
): Html {
  const { runs, older, isCut } = view;
  const { group, status, text = "", before } = asked;
  const only = groups.length === 1 ? groups[0] : undefined;
  const isFiltered = text !== "" || status !== undefined || group !== undefined;
  const nothing =
    isFiltered || before !== undefined
      ? html`<p class="nothing">No run fits. <a href="/">All runs</a></p>`
      : html`<p class="nothing">Nothing has been played yet. <code>${command("run --approver none")}</code> does, and leaves what needs a person for you.</p>`;
  const shown = count(runs.length, "run");
  const costs = runs.some(({ microUsd = 0 }) => microUsd > 0);
  return html`<h1>Runs</h1>
<p class="about">${only ? html`${only.id} · ${only.about}` : html`${count(groups.length, "suite")}, newest run first`}</p>
<section class="card" aria-label="Runs">
<form class="filter" method="get" action="/" role="search" aria-label="Runs">
${groups.length > 1 && html`<label><span class="away">Suite</span><select name="suite" id="suite"><option value="">All suites</option>${groups.map(({ id }) => html`<option value="${id}"${id === group && html` selected`}>${id}</option>`)}</select></label>`}
<label><span class="away">Status</span><select name="status" id="status"><option value="">Any status</option>${statuses.map((one) => html`<option value="${one}"${one === status && html` selected`}>${one === "parked" ? "waiting (parked)" : one}</option>`)}</select></label>
<label class="grow"><span class="away">Words</span><input type="search" name="text" id="text" value="${text}" maxlength="200" placeholder="Name, title, run, what was asked"></label>
<button class="plain">Show</button>
${isFiltered && html`<a href="/">Clear</a>`}
</form>
<div data-live="runs">
${unreadable}${
  runs.length === 0
    ? nothing
    : html`<table class="runs tall"><caption class="away">${shown}</caption>
<thead><tr><th scope="col">Run</th><th scope="col">Status</th><th scope="col" class="wide">What came of it</th><th scope="col" class="number">Begun</th><th scope="col" class="number wide">Took</th>${costs && html`<th scope="col" class="number wide">Cost</th>`}</tr></thead>
<tbody>${runs.map((line) => row(line, { now, costs, several: groups.length > 1 }))}</tbody></table>`
}
${isCut && html`<p class="note">The runs before were not looked through for these words.</p>`}
<nav class="pages" aria-label="Pages">${before !== undefined && html`<a href="/?${query({ suite: group, status, text })}">Newest</a>`}${older !== undefined && html`<a href="/?${query({ suite: group, status, text, before: older })}">Older</a>`}</nav>
</div>
</section>`;
}

function row(
  line: RunLine,
  { now, costs, several }: { readonly now: number; readonly costs: boolean; readonly several: boolean },
): Html {
  const { group, run, status, waits, startedAt, updatedAt, title, name, asked, ended, microUsd } = line;
  const isOver = status !== "running" && status !== "parked";
  return html`<tr class="row">
<th scope="row"><a class="headline" href="${runHref(group, run)}" id="run-${run}">${title}</a><small class="name">${name} · ${run}${several && html` · ${group}`}</small></th>
<td>${statusPill(status, waits)}</td>
<td class="wide path">${ended !== "" ? cut(ended) : html`<span class="asked">${cut(asked)}</span>`}</td>
<td class="number begun">${when(startedAt, now)}</td>
<td class="number wide">${isOver ? duration(updatedAt - startedAt) : ""}</td>
${costs && html`<td class="number wide">${microUsd === undefined ? "" : dollars(microUsd)}</td>`}</tr>`;
}

function cut(text: string): string {
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
