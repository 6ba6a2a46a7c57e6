// @ts-check
/**
 * Builds the timeline of one run, for the report and for the console. Whatever comes from a run is set as text, never as
 * markup. `remitTimeline(place, run)` gives a function that shows the same run again, with what has come since.
 */
(() => {
  /**
   * @typedef {{ text: string, chars: number }} Payload
   * @typedef {{ n: number, t: string, k: string, w: number, o?: number, h: string, d?: string, c?: string, q?: 1, m?: string[], l?: string[], p?: number }} Beat
   * @typedef {{ run: string, lanes: string[], beats: Beat[], payloads: Payload[], seq: number, hash: string, fault?: string }} Run
   */

  const spoken = ["start", "question", "answer", "end"];

  /**
   * Makes an element.
   * @param {string} tag @param {Record<string, string>} attributes @param {(Node | string | undefined)[]} children
   */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== undefined));
    return element;
  }

  /**
   * What it looks like, said to the element itself: a page that allows no style in its markup allows this.
   * @param {HTMLElement} element @param {string} style
   */
  function styled(element, style) {
    element.style.cssText = style;
    return element;
  }

  /** @param {number} lane */
  const laneStyle = (lane) => `--lane: var(--lane-${lane % 8})`;
  /** @param {number} number */
  const grouped = (number) => number.toLocaleString("en");

  /**
   * Builds a run's timeline, and gives the way to show what has been added to it since. Rows that are there stay as they are.
   * @param {Element} place @param {Run} first
   */
  function timelineIn(place, first) {
    const list = make("ol", { class: "beats" });
    const lanes = make("div", { class: "lanes" });
    const notes = make("span");
    const toggle = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox" }));
    toggle.addEventListener("change", () => list.classList.toggle("all", toggle.checked));
    const choice = make("label", {}, toggle, " ", notes);
    const hash = make("p", { class: "hash" });
    place.replaceChildren(lanes, list, hash);
    /** @type {Set<number>} lanes that are at work */
    let active = new Set();
    let shown = 0;
    let width = 0;
    /** @param {Run} run */
    const show = (run) => {
      if (run.lanes.length !== width) {
        // A lane has been added: all rows are as wide as the lanes are many.
        width = run.lanes.length;
        shown = 0;
        active = new Set();
        list.replaceChildren();
        lanes.replaceChildren(
          ...run.lanes.map((name, index) => styled(make("span", { class: "lane" }, name), laneStyle(index))),
          choice,
        );
      }
      for (const beat of run.beats) {
        if (beat.n <= shown) continue;
        shown = beat.n;
        list.append(row(beat, run, active));
      }
      notes.textContent = `model turns and notes (${run.beats.filter(({ q }) => q === 1).length})`;
      hash.replaceChildren(
        run.fault === undefined
          ? `Chain of ${grouped(run.seq)} entries holds. Journal hash `
          : `The chain is broken at ${run.fault}. Hash before it `,
        make("code", {}, run.hash),
      );
    };
    show(first);
    return show;
  }

  /** @param {Beat} beat @param {Run} run @param {Set<number>} active */
  function row(beat, run, active) {
    if (beat.k === "handoff" && beat.o !== undefined) active.add(beat.o);
    const rail = make("span", { class: "rail", "aria-hidden": "true" });
    for (const lane of run.lanes.keys()) {
      rail.append(styled(make("i", { class: active.has(lane) ? "track on" : "track" }), laneStyle(lane)));
    }
    if (beat.o !== undefined && beat.o !== beat.w) {
      const low = Math.min(beat.w, beat.o);
      const high = Math.max(beat.w, beat.o);
      const style = `${laneStyle(beat.w)}; --low: ${low}; --high: ${high}`;
      rail.append(styled(make("span", { class: `way ${beat.o < beat.w ? "left" : ""}` }), style));
    }
    const tone = beat.c === "bad" || beat.c === "warn" ? beat.c : "";
    rail.append(styled(make("span", { class: `dot ${tone}` }), `${laneStyle(beat.w)}; --at: ${beat.w}`));
    if (beat.k === "return" || (beat.k === "fault" && beat.h === "fails")) active.delete(beat.w);

    const verdict = beat.k === "call" ? "allowed" : beat.k === "denied" ? "denied" : "";
    const title = verdict === "" ? beat.h : beat.h.slice(0, -verdict.length - 1);
    const marks = (beat.m ?? []).map((mark) => make("span", { class: "tag" }, mark));
    const labels = (beat.l ?? []).map((label) => make("span", { class: "tag label", title: "origin label" }, label));
    const what = make(
      "div",
      { class: "what" },
      make(
        "p",
        {},
        make("span", { class: "who" }, run.lanes[beat.w] ?? ""),
        " ",
        make("span", { class: "title" }, title),
        verdict === "" ? undefined : make("span", { class: `tag ${verdict}` }, verdict),
        ...marks,
        ...labels,
      ),
      ...body(beat, run),
    );
    const classes = ["beat", beat.k];
    if (beat.q === 1) classes.push("quiet");
    if (spoken.includes(beat.k)) classes.push("speech");
    if (tone !== "") classes.push("trouble");
    const item = make(
      "li",
      { class: classes.join(" ") },
      rail,
      make("span", { class: "time", title: `entry ${beat.n}` }, `+${beat.t}`),
      what,
    );
    return styled(item, `${laneStyle(beat.w)}; --count: ${run.lanes.length}`);
  }

  /**
   * What is said, and the payload, which shows itself when it is asked for: by its detail, or by a line of its own where
   * the detail is speech or trouble.
   * @param {Beat} beat @param {Run} run
   */
  function body(beat, run) {
    const detail = () => make("p", { class: "detail" }, beat.d ?? "");
    const found = beat.p === undefined ? undefined : run.payloads[beat.p];
    if (!found) return beat.d === undefined ? [] : [detail()];
    const size = `${grouped(found.chars)} characters`;
    const isOwn = beat.d === undefined || spoken.includes(beat.k) || beat.c === "bad" || beat.c === "warn";
    const summary = isOwn
      ? make("summary", {}, `entry ${beat.n}, ${size}`)
      : make("summary", { class: "detail", title: `entry ${beat.n}, ${size}` }, beat.d);
    const details = make("details", {}, summary);
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      const isCut = found.text.length < found.chars;
      const rest = isCut ? `\n… cut here: ${grouped(found.text.length)} of ${size}` : "";
      details.append(make("pre", { tabindex: "0", "aria-label": `payload of entry ${beat.n}` }, found.text + rest));
    });
    return isOwn && beat.d !== undefined ? [detail(), details] : [details];
  }

  Object.assign(globalThis, { remitTimeline: timelineIn });
})();
