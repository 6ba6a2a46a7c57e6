// @ts-check
/**
 * The report's own script: filters the table, and shows a run's timeline (timeline.js) when somebody opens it.
 */
(() => {
  /** @param {Element} place */
  function fillTimeline(place) {
    const source = document.getElementById(`data-${place.getAttribute("data-run")}`);
    if (!source || place.childElementCount > 0) return;
    const { remitTimeline } = /** @type {{ remitTimeline: (place: Element, run: unknown) => unknown }} */ (
      /** @type {unknown} */ (globalThis)
    );
    remitTimeline(place, JSON.parse(source.textContent ?? ""));
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

  // Where the picture is wider than its frame, its middle is where to begin; a table begins with its names.
  for (const frame of document.querySelectorAll(".scroll")) {
    if (frame.querySelector("svg")) frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  }

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
