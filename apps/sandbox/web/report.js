// @ts-check
/**
 * The report's own script: filters the table, and builds a run's timeline when somebody opens it. Whatever comes from a
 * run is set as text, never as markup.
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

  /** @param {number} lane */
  const laneStyle = (lane) => `--lane: var(--lane-${lane % 8})`;
  /** @param {number} number */
  const grouped = (number) => number.toLocaleString("en");

  /** @param {Element} place */
  function fillTimeline(place) {
    const source = document.getElementById(`data-${place.getAttribute("data-run")}`);
    if (!source || place.childElementCount > 0) return;
    /** @type {Run} */
    const run = JSON.parse(source.textContent ?? "");
    const list = make("ol", { class: "beats" });
    /** @type {Set<number>} lanes that are at work */
    const active = new Set();
    for (const beat of run.beats) list.append(row(beat, run, active));
    const notes = run.beats.filter(({ q }) => q === 1).length;
    const toggle = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox" }));
    toggle.addEventListener("change", () => list.classList.toggle("all", toggle.checked));
    const lanes = run.lanes.map((name, index) => make("span", { class: "lane", style: laneStyle(index) }, name));
    place.append(
      make("div", { class: "lanes" }, ...lanes, make("label", {}, toggle, ` model turns and notes (${notes})`)),
      list,
      make(
        "p",
        { class: "hash" },
        run.fault === undefined
          ? `Chain of ${grouped(run.seq)} entries holds. Journal hash `
          : `The chain is broken at ${run.fault}. Hash before it `,
        make("code", {}, run.hash),
      ),
    );
  }

  /** @param {Beat} beat @param {Run} run @param {Set<number>} active */
  function row(beat, run, active) {
    if (beat.k === "handoff" && beat.o !== undefined) active.add(beat.o);
    const rail = make("span", { class: "rail", "aria-hidden": "true" });
    for (const lane of run.lanes.keys()) {
      rail.append(make("i", { class: active.has(lane) ? "track on" : "track", style: laneStyle(lane) }));
    }
    if (beat.o !== undefined && beat.o !== beat.w) {
      const low = Math.min(beat.w, beat.o);
      const high = Math.max(beat.w, beat.o);
      const style = `${laneStyle(beat.w)}; --low: ${low}; --high: ${high}`;
      rail.append(make("span", { class: `way ${beat.o < beat.w ? "left" : ""}`, style }));
    }
    const tone = beat.c === "bad" || beat.c === "warn" ? beat.c : "";
    rail.append(make("span", { class: `dot ${tone}`, style: `${laneStyle(beat.w)}; --at: ${beat.w}` }));
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
    return make(
      "li",
      { class: classes.join(" "), style: `${laneStyle(beat.w)}; --count: ${run.lanes.length}` },
      rail,
      make("span", { class: "time", title: `entry ${beat.n}` }, `+${beat.t}`),
      what,
    );
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

  /** @param {Element} body @param {boolean} open */
  function open(body, open) {
    const more = body.querySelector(".more");
    if (!(more instanceof HTMLElement)) return;
    more.hidden = !open;
    body.querySelector("button")?.setAttribute("aria-expanded", String(open));
    const place = body.querySelector(".timeline");
    if (open && place) fillTimeline(place);
  }

  const bodies = [...document.querySelectorAll(".runs tbody")];
  for (const body of bodies) {
    body.querySelector("button")?.addEventListener("click", () => {
      const more = body.querySelector(".more");
      open(body, more instanceof HTMLElement && more.hidden);
    });
  }

  const form = document.querySelector(".filter");
  if (form instanceof HTMLFormElement) {
    const filter = () => {
      const wish = new FormData(form);
      const words = String(wish.get("words") ?? "")
        .toLowerCase()
        .split(/\s+/);
      let shown = 0;
      for (const body of bodies) {
        if (!(body instanceof HTMLElement)) continue;
        const { ok, status, denied, tags = "", words: own = "" } = body.dataset;
        const result = wish.get("result");
        const fits =
          (result !== "failed" || ok === "false") &&
          (result !== "denied" || denied !== "0") &&
          (wish.get("status") === "" || wish.get("status") === status) &&
          (wish.get("tag") === "" || tags.split("\n").includes(String(wish.get("tag")))) &&
          words.every((word) => own.includes(word));
        body.hidden = !fits;
        if (fits) shown++;
      }
      const output = form.querySelector("output");
      if (output) output.textContent = `${shown} shown`;
      const nothing = document.querySelector(".nothing");
      if (nothing instanceof HTMLElement) nothing.hidden = shown > 0;
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    // A reload and the way back bring the wishes of before.
    addEventListener("pageshow", filter);
  }

  // Where the picture is wider than its frame, its middle is where to begin.
  for (const frame of document.querySelectorAll(".scroll"))
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;

  /** Opens the run that the address ends with. */
  const follow = () => {
    const wanted = document.getElementById(location.hash.slice(1));
    if (!wanted?.matches(".runs tbody")) return;
    open(wanted, true);
    wanted.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  follow();
})();
