import { minuteText, untilText } from "../../face/case.ts";
import type { ConsoleSource } from "../source.ts";
import { type Html, html, type Piece } from "./html.ts";

/** What is around every page: where one is, what waits, who one is, and whether what one sees is how things stand. */
export interface FrameOptions {
  readonly title: string;
  readonly here?: "runs" | "inbox" | "letters" | undefined;
  /** What is asked of a person, in number. */
  readonly waits: number;
  readonly source: Pick<ConsoleSource, "place" | "principal">;
  /** How things stood when this was made; absent on pages that do not change. */
  readonly mark?: string | undefined;
  /** The run that is watched; everything when absent. */
  readonly watched?: { readonly group: string; readonly run: string } | undefined;
  /** Where this page is found again, when that is not where it was asked for. */
  readonly address?: string | undefined;
  readonly body: Piece;
}

const sections = [
  ["runs", "/", "Runs"],
  ["inbox", "/inbox", "Inbox"],
  ["letters", "/letters", "Failed runs"],
] as const;

export function frame({ title, here, waits, source, mark, watched, address, body }: FrameOptions): Html {
  const { principal, place } = source;
  const link = ([name, href, text]: (typeof sections)[number]) => {
    const badge = name === "inbox" && waits > 0 && html` <b class="badge">${waits}<span class="away"> wait</span></b>`;
    return html`<li><a href="${href}" id="to-${name}"${here === name && html` aria-current="page"`}>${text}${badge}</a></li>`;
  };
  const events = watched ? `/events?${query({ group: watched.group, run: watched.run })}` : "/events";
  return html`<!doctype html>
<html lang="en">
<head>
${headOf(title)}
<script src="/web/timeline.js" defer></script>
<script src="/web/console.js" defer></script>
</head>
<body${mark !== undefined && html` data-events="${events}" data-mark="${mark}"`}${address !== undefined && html` data-page="${address}"`}>
<a class="skip" href="#main">To the content</a>
<header class="top">
<p class="brand"><a class="home" href="/">Remit <span>console</span></a></p>
<nav aria-label="Console"><ul data-live="nav">${sections.map(link)}</ul></nav>
<p class="state" role="status" id="state">${mark === undefined ? "" : html`<span class="dot" aria-hidden="true"></span><span class="words">as of now</span>`}</p>
</header>
<main id="main" tabindex="-1">
${body}
</main>
<footer><p>You act as <b>${principal.id}</b>${principal.roles.length > 0 && html` (${principal.roles.join(", ")})`}. ${
    principal.authenticated
      ? ""
      : html`Development mode: nobody checks who you are, and what you decide is recorded as unauthenticated. `
  }State: <code>${place}</code></p></footer>
</body>
</html>
`;
}

/** What every page says of itself; without scripts. */
function headOf(title: string): Html {
  return html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Remit console</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/web/report.css">
<link rel="stylesheet" href="/web/console.css">`;
}

/** What is left out of a page, since it cannot be read. */
export function leftOut(unreadable: readonly string[]): Piece {
  return unreadable.map((file) => html`<p class="note bad">${file} cannot be read, and is left out.</p>`);
}

/** A page for somebody who is not in, or in the way of whom something stands: nothing of any run is on it. */
export function notice(title: string, body: Piece): Html {
  return html`<!doctype html>
<html lang="en">
<head>
${headOf(title)}
</head>
<body>
<header class="top"><p class="brand">Remit <span>console</span></p></header>
<main id="main"><section class="card"><h1>${title}</h1>${body}</section></main>
</body>
</html>
`;
}

/** A query of an address; members that are empty or absent are left out. */
export function query(members: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(members).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== "");
  return new URLSearchParams(given).toString();
}

export function runHref(group: string, run: string): string {
  return `/runs/${encodeURIComponent(group)}/${encodeURIComponent(run)}`;
}

export function caseHref(group: string, address: string): string {
  return `/inbox/${encodeURIComponent(group)}/case?${query({ at: address })}`;
}

export function questionHref(group: string, address: string): string {
  return `/inbox/${encodeURIComponent(group)}/question?${query({ at: address })}`;
}

export function askHref(group: string, run: string, ask: string): string {
  return `/inbox/${encodeURIComponent(group)}/ask?${query({ run, ask })}`;
}

/** A moment, as long ago or ahead as it is; the moment itself where one asks for it. */
export function when(at: number, now: number): Html {
  const text = Math.abs(at - now) < 60_000 ? (at > now ? "in less than a minute" : "just now") : untilText(at, now);
  return html`<time datetime="${new Date(at).toISOString()}" title="${minuteText(at)}">${text}</time>`;
}

export function statusPill(status: string, waits: readonly string[] = []): Html {
  const words = status === "parked" && waits.length > 0 ? `waits for ${waitText(waits)}` : status;
  return html`<span class="status ${status}">${words}</span>`;
}

const waitTexts: Readonly<Record<string, string>> = {
  approval: "a decision",
  question: "an answer",
  effect: "word of a write",
  timer: "a time",
};

function waitText(waits: readonly string[]): string {
  return waits.map((one) => waitTexts[one] ?? one).join(", ");
}

/** Names and what is said of them; a line without a name goes on with the one before. */
export function factList(facts: readonly (readonly [string, Piece])[]): Html {
  return html`<dl class="list">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** What stands in the way, and what to do. */
export function complaintBox(
  {
    message,
    hint,
    issues,
    code,
  }: { readonly message: string; readonly hint: string; readonly issues: readonly string[]; readonly code: string },
  lead = "",
): Html {
  return html`<div class="alert" role="alert" id="alert" tabindex="-1"><p><b>${lead}${message}</b> <code>${code}</code></p>${
    issues.length > 0 && html`<ul>${issues.map((issue) => html`<li>${issue}</li>`)}</ul>`
  }${hint !== "" && html`<p>${hint}</p>`}</div>`;
}
