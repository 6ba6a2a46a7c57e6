import type { ApprovalCase, Entry, Json, RevealedCase } from "@remit/core";
import { caseFacts, minuteText, revealedTexts, whatText } from "../../face/case.ts";
import { count } from "../../face/text.ts";
import type { HistoryLine } from "../view/history.ts";
import { caseHref, factList, runHref } from "./frame.ts";
import { type Html, html, type Piece } from "./html.ts";
import { jsonText, shownJson } from "./json.ts";

/** One write that waits, or waited: what there is to know, the word on it, and who has said what. */
export interface CaseBodyOptions {
  readonly group: string;
  readonly run: string;
  readonly address: string;
  readonly title: string;
  readonly open: ApprovalCase | undefined;
  readonly history: readonly HistoryLine[];
  readonly entries: readonly Entry[];
  readonly now: number;
  /** Makes a word said twice by one form one word. */
  readonly key: string;
  /** Key of the word that this browser has just said. */
  readonly said?: string | undefined;
  /** What was typed into a form that was refused. */
  readonly typed?: { readonly reason?: string | undefined; readonly input?: string | undefined } | undefined;
  /** JSON Schema of the tool's arguments, where the team could be loaded. */
  readonly schema?: Json | undefined;
  /** True where values of its arguments may be sealed. */
  readonly sealed: boolean;
  /** The case as it was revealed, on the answer to that alone. */
  readonly revealed?: RevealedCase | undefined;
  readonly command: (words: string) => string;
  readonly lead?: Piece;
}

export function caseBody(options: CaseBodyOptions): Html {
  const { group, run, address, title, open, history, lead, said } = options;
  const effect = address.slice(run.length + 1);
  const tool = open?.tool ?? toolOf(effect, options.entries) ?? effect;
  return html`${lead}
<p class="crumbs"><a href="/inbox">Inbox</a> · <a href="${runHref(group, run)}">${title}</a> · ${group}</p>
<h1>${tool}</h1>
<p class="about"><code>${address}</code></p>
<div data-live="state">${
    open
      ? waits(open)
      : html`${over(history, said)}<p class="within"><a href="${runHref(group, run)}" id="to-run">Look at the run</a> <a href="/inbox" id="to-next">What else waits</a></p>`
  }</div>
${
  open &&
  html`<section class="card" aria-labelledby="h-what" data-live="what"><h2 id="h-what">${whatText(open)}</h2>
${factList(joined(caseFacts(open, options.entries, options.now).filter(([name]) => name !== "what")))}
<h3>${options.sealed ? "Arguments, as they are kept" : "Arguments, exactly as they would be sent"}</h3><pre tabindex="0" aria-label="Arguments">${jsonText(open.input)}</pre></section>
${options.sealed && (options.revealed ? inTheClear(options.revealed) : revealForm(open, options))}
${forms(open, options)}`
}
${!open && proposed(effect, options.entries)}
<section class="card" aria-labelledby="h-history"><h2 id="h-history">What was said</h2><div data-live="history">${told(group, history)}</div></section>`;
}

/** Asked for by a person, since that they saw it is recorded. */
function revealForm({ address }: ApprovalCase, { group }: CaseBodyOptions): Html {
  return html`<section class="card" aria-labelledby="h-sealed"><h2 id="h-sealed">Sealed values</h2>
<p class="note">Values are sealed here before they are kept: what looks like an address or a number above may stand for another one.</p>
<form method="post" action="/inbox/${encodeURIComponent(group)}/reveal" class="word"><input type="hidden" name="at" value="${address}">
<p class="buttons"><button id="reveal" class="plain">Show them</button> <span class="note">as far as your roles are cleared for them; that is recorded</span></p></form></section>`;
}

/** No region that follows what is stored: it stays until one leaves the page. */
function inTheClear(open: RevealedCase): Html {
  const { shown, kept } = revealedTexts(open);
  const lines = [...(shown === undefined ? [] : [shown]), ...kept];
  return html`<section class="card" aria-labelledby="h-sealed"><h2 id="h-sealed" tabindex="-1">Sealed values</h2>
${(lines.length > 0 ? lines : ["nothing in its arguments is sealed"]).map((line) => html`<p class="note">${line}</p>`)}
<h3>Arguments in the clear</h3><pre tabindex="0" aria-label="Arguments in the clear" id="revealed">${jsonText(open.input)}</pre></section>`;
}

function waits({ expiresAt, quorum, approvals }: ApprovalCase): Html {
  const people =
    quorum > 1
      ? ` It takes ${quorum} people; ${approvals.length === 0 ? "nobody has approved yet" : `approved by ${approvals.join(", ")}`}.`
      : "";
  return html`<p class="verdict warn" id="verdict">Waits for an approval until ${minuteText(expiresAt)}.${people}</p>`;
}

/** It is not open any more: whether this browser's word counted, or somebody else's, or nobody's. */
function over(history: readonly HistoryLine[], said: string | undefined): Html {
  if (history.length === 0) return html`<p class="verdict bad" id="verdict">There never was a case here.</p>`;
  const outcome = history.findLast(({ kind }) => kind === "outcome") ?? history.at(-1);
  const word = history.findLast(({ kind }) => kind === "word");
  const own = said !== undefined && history.some(({ key }) => key === said);
  const whose = own ? "Your word counted. " : said === undefined ? "" : "Your word came too late. ";
  return html`<p class="verdict ${outcome?.tone === "good" ? "good" : "warn"}" id="verdict">${whose}${outcome?.text}.${!own && word && ` ${word.text}.`}</p>`;
}

/** What it was about, when it is not open any more. */
function proposed(effect: string, entries: readonly Entry[]): Html | undefined {
  for (const entry of entries) {
    if (entry.type !== "effect.proposed" || entry.body.effect !== effect) continue;
    return html`<section class="card" aria-labelledby="h-what"><h2 id="h-what">What it was about</h2><pre tabindex="0" aria-label="Arguments">${jsonText(entry.body.input)}</pre></section>`;
  }
  return undefined;
}

function forms(
  { address, tool, input, binding, quorum }: ApprovalCase,
  { group, key, typed, schema }: CaseBodyOptions,
): Html {
  const action = `/inbox/${encodeURIComponent(group)}/decide`;
  const hidden = (suffix: string) =>
    html`<input type="hidden" name="at" value="${address}"><input type="hidden" name="binding" value="${binding}"><input type="hidden" name="key" value="${key}${suffix}">`;
  const isEdit = typed?.input !== undefined;
  return html`<section class="card decide" aria-labelledby="h-decide"><h2 id="h-decide">Decide</h2>
<form method="post" action="${action}" class="word" id="decide">${hidden("")}
<label for="reason">Why; it is kept, and a rejected agent reads it</label>
<textarea id="reason" name="reason" rows="2" required maxlength="2000">${isEdit ? "" : (typed?.reason ?? "")}</textarea>
<p class="buttons"><button name="decision" value="approve" class="yes" id="approve">Approve${quorum > 1 && html`, as one of ${quorum}`}</button> <button name="decision" value="reject" class="danger" id="reject">Reject</button></p>
</form>
<details${isEdit && html` open`}><summary id="to-edit">Change its arguments</summary>
<form method="post" action="${action}" class="word" id="edit" data-check="/inbox/${encodeURIComponent(group)}/check">${hidden("-edit")}<input type="hidden" name="decision" value="edit">
<p class="note">What you write takes the place of this proposal, and waits for somebody else than you.</p>
<label for="input">All arguments of ${tool}, as JSON</label>
<textarea id="input" name="input" class="code" rows="${Math.min(20, JSON.stringify(input, null, 2).split("\n").length + 1)}" required spellcheck="false" aria-describedby="fits">${typed?.input === undefined ? jsonText(input) : shownJson(typed.input)}</textarea>
<p id="fits" class="note" role="status"></p>
<label for="edit-reason">Why; it is kept</label><input id="edit-reason" name="reason" value="${isEdit ? (typed.reason ?? "") : ""}" required maxlength="2000" autocomplete="off">
<p class="buttons"><button id="propose">Propose these arguments</button></p>
</form>${schema !== undefined && html`<details><summary>What the tool takes (JSON Schema)</summary><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></details>`}</details></section>`;
}

function told(group: string, history: readonly HistoryLine[]): Html {
  return html`<ol class="decisions dated">${history.map(
    ({ seq, at, text, reason, tone, next }) =>
      html`<li class="${tone}"><span class="time" title="entry ${seq}">${minuteText(at).slice(0, 16)}</span><div><p>${text}${next !== undefined && html` · <a href="${caseHref(group, next)}">the one in its place</a>`}</p>${reason !== "" && html`<p class="detail">${reason}</p>`}</div></li>`,
  )}</ol><p class="note">${count(history.length, "entry", "entries")} of the journal; times are UTC.</p>`;
}

function toolOf(effect: string, entries: readonly Entry[]): string | undefined {
  for (const entry of entries) {
    if (entry.type === "effect.proposed" && entry.body.effect === effect) return entry.body.tool;
  }
  return undefined;
}

/** Lines of one name as one fact. */
export function joined(facts: readonly (readonly [string, string])[]): [string, string][] {
  const all: [string, string][] = [];
  for (const [name, text] of facts) {
    const last = all.at(-1);
    if (name === "" && last) last[1] += `\n${text}`;
    else all.push([name, text]);
  }
  return all;
}
