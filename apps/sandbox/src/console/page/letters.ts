import { errorText } from "../../face/beat.ts";
import { glance } from "../../face/glance.ts";
import type { LettersView } from "../view/letters.ts";
import { complaintBox, runHref, when } from "./frame.ts";
import { type Html, html, type Piece } from "./html.ts";

/** Runs that failed and that nobody has dealt with. */
export function lettersBody(
  { letters, broken, isCut }: LettersView,
  now: number,
  command: (words: string) => string,
  lead?: Piece,
): Html {
  return html`${lead}<h1>Failed runs</h1>
<p class="about">Nobody has dealt with these yet: do them again, or put them aside.</p>
${broken.map(({ group, complaint }) => complaintBox(complaint, `${group}: `))}
<div data-live="letters">
${letters.length === 0 && html`<section class="card" aria-label="Failed runs"><p class="nothing">No run has failed without somebody having dealt with it.</p></section>`}
${letters.map((letter, index) => letterCard(letter, index, now, command))}
${isCut && html`<p class="note">There are more; deal with some of these first.</p>`}
</div>`;
}

function letterCard(
  { group, run, failedAt, error, by, input, standing }: LettersView["letters"][number],
  index: number,
  now: number,
  command: (words: string) => string,
): Html {
  const action = `/letters/${encodeURIComponent(group)}/${encodeURIComponent(run)}`;
  const id = `letter-${index}`;
  return html`<section class="card" aria-labelledby="${id}"><h2 id="${id}"><a href="${runHref(group, run)}" id="${run}">${run}</a></h2>
<p class="name">failed ${when(failedAt, now)}, by ${by} · ${group}</p>
<p class="bad">${errorText(error)}</p>
<p class="detail">${glance(input)}</p>
${
  standing.length > 0
    ? html`<p class="warn">Effects of it stand, so it cannot be done again as it is: undo them, or put it aside.</p><ul>${standing.map(({ effect, tool, outcome }) => html`<li>${tool} (<code>${effect}</code>): ${outcome}</li>`)}</ul><p><code>${command(`compensate ${run}`)}</code></p>`
    : html`<form method="post" action="${action}/redrive"><button class="yes" id="redrive-${run}">Do it again</button> <span class="note">as a new run with the same input, once</span></form>`
}
<form method="post" action="${action}/dismiss" class="word line"><label for="${id}-reason">Put it aside, because</label><input id="${id}-reason" name="reason" required maxlength="2000" autocomplete="off"><button class="plain">Put aside</button></form>
</section>`;
}
