import { type ReplayReport, toMermaid } from "@remit/core";
import type { Beat } from "../../face/beat.ts";
import { minuteText } from "../../face/case.ts";
import { dollars } from "../../face/money.ts";
import { count, duration, sinceStart } from "../../face/text.ts";
import { pictureOf } from "../../report/picture.ts";
import type { CostsView, RunView, TeamView } from "../view/run.ts";
import { askHref, caseHref, complaintBox, factList, questionHref, runHref, statusPill, when } from "./frame.ts";
import { type Html, html, type Piece, trusted } from "./html.ts";

export interface RunBodyOptions {
  readonly now: number;
  readonly command: (words: string) => string;
  /** What a replay that was asked for has found. */
  readonly replay?: ReplayReport | undefined;
  /** What stands above all, such as what came of a word. */
  readonly lead?: Piece;
}

/** One run: what came in and came of it, what waits, its path, its timeline, decisions, cost, its journal. */
export function runBody(view: RunView, team: TeamView, { now, command, replay, lead }: RunBodyOptions): Html {
  const { group, run, name, title, status, started, ended, costs, labels } = view;
  const isOver = status !== "running" && status !== "parked";
  const waits = [
    ...(view.cases.length > 0 ? ["approval"] : []),
    ...(view.questions.length + view.asks.length > 0 ? ["question"] : []),
    ...(view.uncertain.length > 0 ? ["effect"] : []),
  ];
  return html`${lead}
<div data-live="head">
<p class="crumbs"><a href="/">Runs</a> · <a href="/?suite=${encodeURIComponent(group)}">${group}</a></p>
<h1>${title}</h1>
<p class="about">${statusPill(status, waits)} ${name} · <code>${run}</code></p>
${waiting(view)}
</div>
<nav class="within" aria-label="On this page"><a href="#path">Path</a><a href="#timeline">Timeline</a><a href="#decisions">Decisions</a><a href="#cost">Cost</a><a href="#journal">Journal</a></nav>
<div class="overview">
<section class="card" aria-label="Summary" data-live="facts">
${factList([
  ...(started ? [[started.title === "writes" ? "Came in" : "Began", speech(started)] as const] : []),
  ...(ended
    ? [
        [
          "Ended",
          html`<b>${ended.title}</b> ${ended.marks.map((mark) => html`<span class="tag">${mark}</span>`)}${ended.detail !== "" && html`<br>${ended.detail}`}`,
        ] as const,
      ]
    : []),
  ["Begun", html`${minuteText(view.startedAt)}, ${when(view.startedAt, now)}`],
  [isOver ? "Took" : "Last word", isOver ? duration(view.updatedAt - view.startedAt) : when(view.updatedAt, now)],
  ["Supervisor", html`${view.supervisor} <code>${view.definitionHash.slice(0, 12)}</code>`],
  ["Cost", costText(costs.total)],
  ["Labels", labels.length === 0 ? "none" : labels.map((label) => html`<span class="tag label">${label}</span>`)],
])}
</section>
<section class="card graph" id="path" aria-labelledby="h-path"><h2 id="h-path">Path</h2>
<div data-live="path">${picture(team)}</div>
</section>
</div>
<section class="card" id="timeline" aria-labelledby="h-timeline"><h2 id="h-timeline">Timeline</h2>
<div class="timeline" data-timeline="/api${runHref(group, run)}/timeline"><p class="note">Timelines need scripts. Without: <code>${command(`show ${run}`)}</code></p></div>
</section>
<section class="card" id="decisions" aria-labelledby="h-decisions"><h2 id="h-decisions">Decisions</h2>
<div data-live="decisions">${decisions(view)}</div>
</section>
<section class="card" id="cost" aria-labelledby="h-cost"><h2 id="h-cost">Cost</h2>
<div data-live="cost">${costTables(costs)}</div>
</section>
<section class="card" id="journal" aria-labelledby="h-journal"><h2 id="h-journal">Journal</h2>
<div data-live="journal">${journal(view)}</div>
${replay && replayed(replay)}
<form method="get" action="${runHref(group, run)}#journal"><input type="hidden" name="replay" value="now"><button id="replay">Verify and replay now</button> <span class="note">Decides the run again from its journal alone: no server, no model, no network.</span></form>
<p class="note">On the terminal: <code>${command(`replay ${run}`)}</code></p>
</section>
${!isOver && cancelForm(group, run)}`;
}

function waiting({ group, run, cases, questions, asks, uncertain, fault }: RunView): Html {
  const items: Html[] = [
    ...cases.map(
      ({ address, tool, agent }) =>
        html`<li><b>${tool}</b>, asked for by ${agent}, waits for an approval. <a href="${caseHref(group, address)}">Look and decide</a></li>`,
    ),
    ...questions.map(
      ({ address, tool, message }) =>
        html`<li><b>${tool}</b> asks: “${message}” <a href="${questionHref(group, address)}">Answer</a></li>`,
    ),
    ...asks.map(
      ({ ask, of, by, question }) =>
        html`<li><b>${by}</b> asks the ${of}: “${question}” <a href="${askHref(group, run, ask)}">Answer</a></li>`,
    ),
    ...uncertain.map(
      ({ effect, tool }) =>
        html`<li>Nobody knows whether <b>${tool}</b> happened (<code>${effect}</code>). Look outside, and settle it with <code>run.settle</code>.</li>`,
    ),
  ];
  const broken =
    fault &&
    html`<div class="alert" role="alert"><p><b>Entry ${fault.seq} is not what was written: ${fault.reason}.</b> Nothing behind it is shown, and nothing of it can be trusted.</p></div>`;
  return html`${broken}${items.length > 0 && html`<ul class="callout" aria-label="What waits for a person">${items}</ul>`}`;
}

function speech({ who, detail, marks }: Beat): Html {
  return html`<span class="said">${detail}</span> <small class="name">${who} ${marks.join(" · ")}</small>`;
}

function picture(team: TeamView): Html {
  if ("complaint" in team) return complaintBox(team.complaint, "The team cannot be loaded here: ");
  const { definition, isOwn, traffic } = team;
  const agents = Object.entries(traffic.agents).map(([name, times]) => (times > 1 ? `${name} ${times}×` : name));
  return html`<p class="note">${agents.length > 0 ? `Worked: ${agents.join(", ")}. ` : ""}Drawn through: what the run took.${
    isOwn ? "" : html` <b class="warn">This is the team as it is today; the run is pinned to another version of it.</b>`
  }</p>
<div class="scroll path" tabindex="0" role="region" aria-label="Picture of the supervisor with the path of this run">${trusted(pictureOf(definition, traffic, false))}</div>
<details><summary>The same as text (Mermaid)</summary><pre tabindex="0">${toMermaid(definition)}</pre></details>`;
}

function decisions({ decisions: beats, startedAt }: RunView): Html {
  if (beats.length === 0) return html`<p class="note">Nothing was denied, judged or put to a person.</p>`;
  return html`<ol class="decisions">${beats.map(
    ({ seq, at, who, title, detail, tone, marks, labels }) =>
      html`<li class="${tone}"><span class="time" title="entry ${seq}">+${sinceStart(at - startedAt)}</span><div><p><b>${who}</b> ${title} ${marks.map((mark) => html`<span class="tag">${mark}</span>`)}${labels.map((label) => html`<span class="tag label">${label}</span>`)}</p>${detail !== "" && html`<p class="detail">${detail}</p>`}</div></li>`,
  )}</ol>`;
}

function costText({ microUsd, calls, tokens, unknown }: CostsView["total"]): string {
  if (calls > 0 && unknown === calls) return `${count(calls, "model call")} without a price`;
  const known = `${dollars(microUsd)} in ${count(calls, "model call")}, ${count(tokens, "token")}`;
  return unknown > 0 ? `${known}; of ${count(unknown, "call")} nobody knows` : known;
}

function costTables({ total, byAgent, byModel }: CostsView): Html {
  if (total.calls === 0) return html`<p class="note">No model was asked.</p>`;
  const rows = (title: string, of: CostsView["byAgent"]) => html`<table class="sums"><caption>${title}</caption>
<thead><tr><th scope="col"><span class="away">Name</span></th><th scope="col" class="number">calls</th><th scope="col" class="number">tokens</th><th scope="col" class="number">US dollars</th></tr></thead>
<tbody>${of.map(({ name, calls, tokens, microUsd, unknown }) => html`<tr><th scope="row">${name}</th><td class="number">${calls.toLocaleString("en")}</td><td class="number">${tokens.toLocaleString("en")}</td><td class="number">${unknown === calls ? "no price" : dollars(microUsd)}</td></tr>`)}</tbody></table>`;
  const bases = Object.entries(total.byBasis)
    .filter(([, microUsd]) => microUsd > 0)
    .map(([basis, microUsd]) => `${basis} ${dollars(microUsd)}`);
  return html`<p class="note">${costText(total)}${bases.length > 0 && html`; ${bases.join(", ")}`}</p><div class="pair">${rows("by agent", byAgent)}${rows("by model", byModel)}</div>`;
}

function journal({ entries, journalHash, fault }: RunView): Html {
  return fault
    ? html`<p>The chain is broken at entry ${fault.seq}: ${fault.reason}. Hash before it <code class="hashes">${journalHash}</code></p>`
    : html`<p>The chain of ${count(entries, "entry", "entries")} holds. Journal hash <code class="hashes">${journalHash}</code></p>`;
}

const faultTexts = {
  chain: "is not what was written",
  decision: "comes out differently",
  definition: "names another definition",
  erased: "has lost its body: it was erased",
} as const satisfies Record<NonNullable<ReplayReport["fault"]>["kind"], string>;

function replayed({ fault, entries, inputs, decisions, status, journalHash }: ReplayReport): Html {
  if (fault) {
    return html`<div class="alert" role="alert" id="replayed" tabindex="-1"><p><b>✗ Entry ${fault.seq} ${faultTexts[fault.kind]}.</b></p><p>${fault.reason}</p><p>${entries} entries before it hold, hash <code class="hashes">${journalHash}</code></p></div>`;
  }
  return html`<div class="well" role="status" id="replayed" tabindex="-1"><p><b>✓ Decided again, and every decision is the same.</b> ${status}</p><p>${count(entries, "entry", "entries")}: nothing was changed, dropped or put in. ${count(inputs, "input")} were applied again, and ${count(decisions, "decision")} came out as recorded.</p></div>`;
}

function cancelForm(group: string, run: string): Html {
  return html`<section class="card" aria-labelledby="h-cancel"><h2 id="h-cancel">Cancel</h2>
<p class="note">Nothing is dispatched after it. Writes under way are settled, or said to be unknown.</p>
<form method="post" action="${runHref(group, run)}/cancel" class="word">
<label for="cancel-reason">Why; it is kept</label><input id="cancel-reason" name="reason" required maxlength="2000" autocomplete="off">
<button class="danger">Cancel the run</button></form></section>`;
}
