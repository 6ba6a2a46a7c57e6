// @ts-check
/**
 * The console's own script. Every page works without it; with it, what a page shows follows what is stored: the server says
 * that something has changed, the page is asked for again, and the regions that are another now take the place of the old.
 * What somebody types or has unfolded stays.
 */
(() => {
  const { events, mark, page: own } = document.body.dataset;

  // Timelines: built once, then shown again with what has come since.

  /** @type {{ remitTimeline?: (place: Element, run: unknown) => (run: unknown) => void }} */
  const shared = /** @type {object} */ (globalThis);
  /** @type {Map<Element, (run: unknown) => void>} */
  const shown = new Map();

  async function showTimelines() {
    for (const place of document.querySelectorAll("[data-timeline]")) {
      const response = await fetch(place.getAttribute("data-timeline") ?? "", {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) continue;
      const run = await response.json();
      const again = shown.get(place);
      if (again) again(run);
      else if (shared.remitTimeline) shown.set(place, shared.remitTimeline(place, run));
    }
  }

  // Regions that follow what is stored.

  /** @type {WeakMap<Element, string>} what the server sent, as it was before anybody unfolded something */
  const sent = new WeakMap();
  /** @param {ParentNode} of */
  const regionsOf = (of) => of.querySelectorAll("[data-live]");
  for (const region of regionsOf(document)) sent.set(region, region.innerHTML);

  /** True where somebody has typed something that would be gone. @param {Element} region */
  function isTyped(region) {
    return [...region.querySelectorAll("input, textarea")].some((field) => {
      const input = /** @type {HTMLInputElement} */ (field);
      return input.type !== "hidden" && (input.value !== input.defaultValue || input.checked !== input.defaultChecked);
    });
  }

  const reached = "a[href], button, summary, input, textarea, select, [tabindex]";
  /** What a control goes by in the page before and after. @param {Element} one */
  function nameOf(one) {
    return one.id || `${one.tagName} ${one.getAttribute("href") ?? one.getAttribute("aria-label") ?? one.textContent}`;
  }

  /** @param {Element} region @param {Element} fresh */
  function replace(region, fresh) {
    const text = fresh.innerHTML;
    if (sent.get(region) === text || isTyped(region)) return false;
    sent.set(region, text);
    const focused = document.activeElement;
    const held = focused && region.contains(focused) ? nameOf(focused) : undefined;
    const open = new Set([...region.querySelectorAll("details")].flatMap((one, index) => (one.open ? [index] : [])));
    const scrolled = [...region.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    region.replaceChildren(...fresh.childNodes);
    for (const [index, one] of region.querySelectorAll("details").entries()) one.open = open.has(index) || one.open;
    for (const [index, one] of region.querySelectorAll(".scroll").entries()) one.scrollLeft = scrolled[index] ?? 0;
    // Where the keyboard was it stays, on what is there in its place.
    const again = held && [...region.querySelectorAll(reached)].find((one) => nameOf(one) === held);
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    return true;
  }

  let asking = false;
  let again = false;
  /** Asks for this page again and takes over what is another. */
  async function refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      // What answers a word has the word's address, where nothing is found again.
      const address = new URL(own ?? location.href, location.href);
      address.searchParams.delete("replay"); // A replay is asked for by a person.
      const response = await fetch(address, { headers: { Accept: "text/html" } });
      if (response.status === 401) return tell("lost", "Not let in any more: open the address that the terminal shows");
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      let changed = false;
      for (const fresh of regionsOf(page)) {
        const region = document.querySelector(`[data-live="${fresh.getAttribute("data-live")}"]`);
        if (region && replace(region, fresh)) changed = true;
      }
      // What could be decided when the page was loaded can be decided no more.
      const form = document.getElementById("decide");
      if (form && !page.getElementById("decide")) closeForms();
      if (changed) tell("live", `Live · changed at ${new Date().toLocaleTimeString()}`);
      await showTimelines();
    } catch {
      // The connection tells.
    } finally {
      asking = false;
      if (again) {
        again = false;
        void refresh();
      }
    }
  }

  function closeForms() {
    for (const control of document.querySelectorAll(".decide button, .decide textarea, .decide input")) {
      if (control instanceof HTMLButtonElement) control.disabled = true;
      /** @type {HTMLInputElement} */ else control.readOnly = true;
    }
  }

  // Whether what one sees is how things stand.

  const state = document.getElementById("state");
  /** @param {"live" | "lost" | "waits"} kind @param {string} words */
  function tell(kind, words) {
    if (!state) return;
    state.className = `state ${kind}`;
    const place = state.querySelector(".words");
    if (place && place.textContent !== words) place.textContent = words;
  }

  let seen = mark ?? "";
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  const silentMs = 25_000;
  let waitMs = 500;

  function listen() {
    source?.close();
    const address = new URL(events ?? "/events", location.href);
    address.searchParams.set("seen", seen);
    source = new EventSource(address);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(lost, silentMs);
      waitMs = 500;
      if (state?.classList.contains("live") !== true) tell("live", "Live");
    };
    source.addEventListener("alive", heard);
    source.addEventListener("changed", (event) => {
      seen = event.lastEventId;
      heard();
      void refresh();
    });
    source.addEventListener("error", lost);
  }

  function lost() {
    clearTimeout(silence);
    source?.close();
    source = undefined;
    tell("lost", "Connection lost · trying again");
    silence = setTimeout(listen, waitMs);
    waitMs = Math.min(waitMs * 2, 5_000);
  }

  if (events !== undefined) {
    listen();
    // A browser has few connections to one place: pages that nobody looks at let go of theirs.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        if (!source) listen();
        return;
      }
      clearTimeout(silence);
      source?.close();
      source = undefined;
      tell("waits", "Paused");
    });
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) listen();
    });
  }

  // Arguments are held against the tool's schema while they are typed.

  const edit = document.getElementById("edit");
  const field = document.getElementById("input");
  const fits = document.getElementById("fits");
  if (edit instanceof HTMLFormElement && field instanceof HTMLTextAreaElement && fits) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let due;
    let turn = 0;
    const check = async () => {
      const mine = ++turn;
      /** @type {unknown} */
      let input;
      try {
        input = JSON.parse(field.value);
      } catch (thrown) {
        return say(false, `Not JSON yet: ${thrown instanceof Error ? thrown.message : thrown}`);
      }
      const at = new FormData(edit).get("at");
      const response = await fetch(edit.dataset.check ?? "", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ at, input }),
      }).catch(() => undefined);
      if (!response?.ok || mine !== turn) return;
      /** @type {{ issues: { pointer: string, message: string }[] }} */
      const { issues } = await response.json();
      if (issues.length === 0) return say(true, "✓ The tool takes these.");
      say(false, issues.map(({ pointer, message }) => `${pointer || "the whole"}: ${message}`).join("\n"));
    };
    /** @param {boolean} good @param {string} words */
    const say = (good, words) => {
      fits.className = good ? "note good" : "note bad";
      fits.textContent = words;
    };
    field.addEventListener("input", () => {
      clearTimeout(due);
      due = setTimeout(() => void check(), 250);
    });
  }

  // A word is said once, however often its button is pressed.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.classList.contains("sent")) event.preventDefault();
      form.classList.add("sent");
    });
  }
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form.sent")) form.classList.remove("sent");
  });

  const first =
    document.getElementById("alert") ?? document.getElementById("replayed") ?? document.getElementById("revealed");
  first?.focus();
  for (const frame of document.querySelectorAll(".scroll")) {
    // Where the picture is wider than its frame, its middle is where to begin.
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  }
  void showTimelines();
})();
