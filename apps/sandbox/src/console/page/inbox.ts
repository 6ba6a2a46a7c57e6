import { quorumText, whatText } from "../../face/case.ts";
import { count } from "../../face/text.ts";
import type { InboxView, Waiting } from "../view/inbox.ts";
import { askHref, caseHref, questionHref, runHref, when } from "./frame.ts";
import { type Html, html, type Piece } from "./html.ts";

/** What waits for a person, the soonest deadline first. */
export function inboxBody(
  { cases, questions, asks, uncertain, broken, isCut }: InboxView,
  { now, several, unreadable }: { readonly now: number; readonly several: boolean; readonly unreadable: Piece },
): Html {
  const whose = (title: string, group: string) => (several ? `${title} · ${group}` : title);
  const isEmpty = cases.length + questions.length + asks.length + uncertain.length === 0;
  return html`<h1>Inbox</h1>
<p class="about">What waits for a person, in all suites that are shown here.</p>
<div data-live="inbox">
${unreadable}${broken.map(({ group, complaint }) => html`<p class="note bad">What is asked in ${group} cannot be told: ${complaint.message}. ${complaint.hint}</p>`)}
${isEmpty && broken.length === 0 && html`<section class="card" aria-label="Inbox"><p class="nothing">Nothing waits for anybody.</p></section>`}
${cases.length > 0 && html`<section class="card" aria-labelledby="h-cases"><h2 id="h-cases">${count(cases.length, "write")} ${cases.length === 1 ? "waits" : "wait"} for an approval</h2><ul class="inbox">${cases.map((one) => caseItem(one, now, whose))}</ul></section>`}
${questions.length + asks.length > 0 && html`<section class="card" aria-labelledby="h-questions"><h2 id="h-questions">${count(questions.length + asks.length, "question")} ${questions.length + asks.length === 1 ? "waits" : "wait"} for an answer</h2><ul class="inbox">${questions.map((one) => questionItem(one, now, whose))}${asks.map((one) => askItem(one, whose))}</ul></section>`}
${uncertain.length > 0 && html`<section class="card" aria-labelledby="h-uncertain"><h2 id="h-uncertain">Nobody knows whether these happened</h2><ul class="inbox">${uncertain.map(({ group, run, title, what }) => html`<li><p><b>${what.tool}</b> · <a href="${runHref(group, run)}">${title}</a></p><p class="name"><code>${what.effect}</code> of ${run}</p></li>`)}</ul></section>`}
${isCut && html`<p class="note">There is more; decide on some of these first.</p>`}
</div>`;
}

function caseItem(
  { group, title, what: open }: Waiting<InboxView["cases"][number]["what"]>,
  now: number,
  whose: (title: string, group: string) => string,
): Html {
  const { address, tool, risk, requesters, expiresAt, quorum } = open;
  return html`<li><p><a class="headline" href="${caseHref(group, address)}" id="case-${address}">${whatText(open)}</a></p>
<p class="name"><span class="risk ${risk}">${risk} risk</span> <code>${tool}</code> asked by ${requesters.join(", ")} · expires ${when(expiresAt, now)}${(quorum > 1 || open.approvals.length > 0) && html` · approvals ${quorumText(open)}`} · ${whose(title, group)}</p></li>`;
}

function questionItem(
  { group, title, what: open }: Waiting<InboxView["questions"][number]["what"]>,
  now: number,
  whose: (title: string, group: string) => string,
): Html {
  const { address, tool, message, expiresAt, warnings } = open;
  return html`<li><p><a class="headline" href="${questionHref(group, address)}" id="question-${address}">${tool} asks: “${message}”</a></p>
<p class="name">${warnings.length > 0 && html`<span class="risk high">look twice</span> `}a tool's question; its text is not ours · expires ${when(expiresAt, now)} · ${whose(title, group)}</p></li>`;
}

function askItem(
  { group, run, title, what: { ask, of, by, question } }: InboxView["asks"][number],
  whose: (title: string, group: string) => string,
): Html {
  return html`<li><p><a class="headline" href="${askHref(group, run, ask)}" id="ask-${run}-${ask}">${by} asks the ${of}: “${question}”</a></p><p class="name">${whose(title, group)}</p></li>`;
}
