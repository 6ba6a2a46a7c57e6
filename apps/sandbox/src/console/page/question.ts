import type { OpenQuestion, QuestionCase, QuestionField } from "@remit/core";
import { questionFacts, warningTexts } from "../../face/question.ts";
import type { HistoryLine } from "../view/history.ts";
import { factList, runHref } from "./frame.ts";
import { type Html, html, type Piece } from "./html.ts";

/** A question of a tool under way, and the form for its answer. What its server says is its own. */
export function questionBody({
  group,
  run,
  title,
  open,
  history,
  now,
  key,
  lead,
}: {
  readonly group: string;
  readonly run: string;
  readonly title: string;
  readonly open: QuestionCase | undefined;
  readonly history: readonly HistoryLine[];
  readonly now: number;
  readonly key: string;
  readonly lead?: Piece;
}): Html {
  const crumbs = html`<p class="crumbs"><a href="/inbox">Inbox</a> · <a href="${runHref(group, run)}">${title}</a> · ${group}</p>`;
  if (!open) {
    const last = history.at(-1);
    return html`${lead}${crumbs}<h1>A question</h1><p class="verdict warn" id="verdict">It does not wait any more.${last && ` ${last.text}.`}</p>`;
  }
  const { address, binding, tool, agent, warnings, fields, mode } = open;
  return html`${lead}${crumbs}<h1>${tool} asks a person</h1>
<p class="about">In a call of ${agent}; its text is not ours.</p>
<section class="card" aria-labelledby="h-asked"><h2 id="h-asked">What it asks</h2>
${warnings.map((warning) => html`<p class="warn"><b>!</b> ${warningTexts[warning]}</p>`)}
${factList(questionFacts(open, now))}</section>
<section class="card" aria-labelledby="h-answer"><h2 id="h-answer">Answer</h2>
<form method="post" action="/inbox/${encodeURIComponent(group)}/answer" class="word">
<input type="hidden" name="at" value="${address}"><input type="hidden" name="binding" value="${binding}"><input type="hidden" name="key" value="${key}">
${fields.map(fieldInput)}
<label for="reason">Why; it is kept</label><input id="reason" name="reason" maxlength="2000" autocomplete="off">
<p class="buttons"><button name="action" value="accept" class="yes">${mode === "form" ? "Send" : "Yes, I have done what the page asks"}</button> <button name="action" value="decline" class="danger" formnovalidate>Decline</button> <button name="action" value="cancel" class="plain" formnovalidate>Neither</button></p>
</form></section>`;
}

/** Names and values of it are its server's: what is sent back are places in the form, so that nothing of them has to survive a page. */
function fieldInput(field: QuestionField, index: number): Html {
  const { title, description, type, required, choices, bounds } = field;
  const id = `field-${index}`;
  const about = [description, ...Object.entries(bounds).map(([bound, value]) => `${bound} ${value}`)].filter(
    (text) => text !== "",
  );
  const described = about.length > 0 && html` aria-describedby="${id}-about"`;
  const must = required && html` required`;
  const preset = field.default === undefined ? undefined : String(field.default);
  const options =
    type === "boolean"
      ? [
          { value: "true", title: "yes" },
          { value: "false", title: "no" },
        ]
      : choices;
  if (type === "array") {
    const chosen = new Set(Array.isArray(field.default) ? field.default : []);
    return html`<fieldset><legend>${title}${required && " (required)"}</legend>${(choices ?? []).map(({ value, title: text }, place) => html`<label><input type="checkbox" name="field:${index}" value="${place}"${chosen.has(value) && html` checked`}> ${text}</label>`)}</fieldset>`;
  }
  const control = options
    ? html`<select id="${id}" name="field:${index}"${must}${described}><option value=""></option>${options.map(({ value, title: text }, place) => html`<option value="${type === "boolean" ? value : place}"${value === preset && html` selected`}>${text}</option>`)}</select>`
    : html`<input id="${id}" name="field:${index}" value="${preset ?? ""}" inputmode="${type === "string" ? "text" : "decimal"}" autocomplete="off"${must}${described}>`;
  return html`<label for="${id}">${title}${required && " (required)"}</label>${control}${about.length > 0 && html`<p class="note" id="${id}-about">${about.join(" · ")}</p>`}`;
}

/** A question of an agent to a customer or an operator. */
export function askBody({
  group,
  run,
  title,
  open,
  key,
  lead,
}: {
  readonly group: string;
  readonly run: string;
  readonly title: string;
  readonly open: OpenQuestion | undefined;
  readonly key: string;
  readonly lead?: Piece;
}): Html {
  const crumbs = html`<p class="crumbs"><a href="/inbox">Inbox</a> · <a href="${runHref(group, run)}">${title}</a> · ${group}</p>`;
  if (!open)
    return html`${lead}${crumbs}<h1>A question</h1><p class="verdict warn" id="verdict">It does not wait any more.</p>`;
  const { ask, of, by, question } = open;
  return html`${lead}${crumbs}<h1>${by} asks the ${of}</h1>
<section class="card" aria-labelledby="h-answer"><h2 id="h-answer" class="said">“${question}”</h2>
${of === "customer" && html`<p class="note">You answer in the customer's place; the journal says that it was you.</p>`}
<form method="post" action="/inbox/${encodeURIComponent(group)}/reply" class="word">
<input type="hidden" name="run" value="${run}"><input type="hidden" name="ask" value="${ask}"><input type="hidden" name="key" value="${key}">
<label for="answer">Your answer</label><textarea id="answer" name="answer" rows="3" required maxlength="20000"></textarea>
<label class="check"><input type="checkbox" name="json" value="true"> it is JSON</label>
<p class="buttons"><button class="yes">Answer</button></p></form></section>`;
}
