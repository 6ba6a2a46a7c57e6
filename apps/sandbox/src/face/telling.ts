import type { Beat, BeatKind } from "./beat.ts";
import type { Screen } from "./screen.ts";
import { cut, fit, printable, sinceStart, widthOf, wrap } from "./text.ts";

const signs: Readonly<Record<BeatKind, string>> = {
  start: "▶",
  handoff: "→",
  return: "↩",
  edge: "·",
  model: "·",
  call: "✓",
  result: "=",
  denied: "✗",
  effect: "·",
  question: "?",
  answer: "!",
  fault: "✗",
  pause: "·",
  end: "■",
};

/** Kinds whose text is what a person wrote or is told: it is shown whole, within bounds. */
const spoken: ReadonlySet<BeatKind> = new Set(["start", "question", "answer", "end"]);
const linesOfSpeech = 5;
const nameCells = 11;
const timeCells = 8;

/** Shows beats as lines of a terminal: time, who, sign, what. One for one run: names keep their colours. */
export class Telling {
  readonly #screen: Screen;
  readonly #lanes = new Map<string, number>();
  readonly #numbered: boolean;
  #first: number | undefined;

  constructor(screen: Screen, options: { readonly numbered?: boolean } = {}) {
    this.#screen = screen;
    this.#numbered = options.numbered ?? false;
  }

  /** The lines of one beat. */
  lines(beat: Beat): string[] {
    const { columns, paint } = this.#screen;
    this.#first ??= beat.at;
    const passed = beat.at - this.#first;
    const time = fit(`+${sinceStart(passed)}`, timeCells, "right");
    const number = this.#numbered ? `${fit(String(beat.seq), 4, "right")} ` : "";
    const who = this.#name(fit(printable(beat.who), nameCells), beat.who);
    const indent = " ".repeat(widthOf(number) + timeCells + 2 + nameCells + 3);
    const room = Math.max(20, columns - indent.length);
    const tint = this.#tint(beat);
    const title = printable(beat.title);
    const labels = this.#numbered && beat.labels.length > 0 ? [`from ${beat.labels.join(", ")}`] : [];
    const marks = printable([...beat.marks, ...labels].map((mark) => `[${shortKey(mark)}]`).join(" "));
    const detail = printable(beat.detail);
    const head = `${paint.quiet(number + time)}  ${who} ${tint(signs[beat.kind])} `;

    if (spoken.has(beat.kind)) {
      const shownMarks = marks === "" ? "" : ` ${paint.quiet(cut(marks, Math.max(0, room - widthOf(title) - 1)))}`;
      const speech = detail === "" ? [] : wrap(detail, room - 2, linesOfSpeech);
      return [
        `${head}${paint.strong(tint(title))}${shownMarks}`,
        ...speech.map(
          (line, index) => `${indent}${index === 0 ? "“" : " "}${line}${index === speech.length - 1 ? "”" : ""}`,
        ),
      ];
    }
    const isTrouble = beat.tone === "bad" || beat.tone === "warn";
    const texts: [string, (text: string) => string][] = [
      [title, beat.main ? tint : paint.quiet],
      [marks, paint.quiet],
      // What went wrong stands below, where there is room for all of it.
      [isTrouble ? "" : detail, paint.quiet],
    ];
    let left = room;
    let line = "";
    for (const [text, tone] of texts) {
      if (text === "" || left < 4) continue;
      const shown = cut(text, line === "" ? left : left - 1);
      line += `${line === "" ? "" : " "}${tone(shown)}`;
      left -= widthOf(shown) + (line === "" ? 0 : 1);
    }
    return [head + line, ...(isTrouble && detail !== "" ? wrap(detail, room, 3).map((text) => indent + text) : [])];
  }

  /** A payload under its beat, as JSON; at most so many characters. */
  payload(beat: Beat, chars = 4_000): string[] {
    if (beat.payload === undefined) return [];
    const text = JSON.stringify(beat.payload, null, 2);
    const shown =
      text.length > chars ? `${text.slice(0, chars)}\n… ${text.length.toLocaleString("en")} characters in all` : text;
    const indent = " ".repeat((this.#numbered ? 5 : 0) + timeCells + 2 + nameCells + 3);
    return shown.split("\n").map((line) => indent + this.#screen.paint.quiet(printable(line)));
  }

  #name(text: string, who: string): string {
    if (who === "supervisor") return this.#screen.paint.quiet(text);
    const lane = this.#lanes.get(who) ?? this.#lanes.size;
    this.#lanes.set(who, lane);
    return this.#screen.paint.lane(lane, text);
  }

  #tint({ tone, kind }: Beat): (text: string) => string {
    const { paint } = this.#screen;
    if (tone === "good") return paint.good;
    if (tone === "bad") return paint.bad;
    if (tone === "warn") return paint.warn;
    return kind === "handoff" ? paint.strong : (text) => text;
  }
}

/** Keys are hashes: their beginning tells them apart well enough for eyes. */
function shortKey(mark: string): string {
  return mark.startsWith("key ") ? `${mark.slice(0, 16)}…` : mark;
}
