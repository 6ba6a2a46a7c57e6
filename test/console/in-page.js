/** What the tests look at inside a page, as `look`. */
(() => {
  const controls = "a, button, input:not([type=hidden]), select, textarea, summary, [role=region], [role=img], section";

  /** Where the keyboard is. */
  function focused() {
    const at = document.activeElement;
    return at ? `${at.tagName.toLowerCase()}${at.id === "" ? "" : `#${at.id}`}` : "";
  }

  /** Buttons as if no script had seen that they can do nothing any more. */
  function enable() {
    for (const control of document.querySelectorAll(".decide button")) control.removeAttribute("disabled");
  }

  /** Pixels that the page is wider than its window. */
  function overflow() {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  }

  /** Puts a word of eighty letters in the place of what stands in these. @param {string} selector */
  function stretch(selector) {
    for (const element of document.querySelectorAll(selector)) element.textContent = "w".repeat(80);
  }

  /** Controls and regions that a screen reader has no name for. */
  function unnamed() {
    return [...document.querySelectorAll(controls)].flatMap((one) => {
      const by = one.getAttribute("aria-labelledby");
      const label = /** @type {HTMLInputElement} */ (one).labels?.[0];
      const holds = one.matches("section, input, select, textarea, [role]") ? "" : one.textContent;
      const names = [
        one.getAttribute("aria-label"),
        label?.textContent,
        by && document.getElementById(by)?.textContent,
        holds,
      ];
      return names.some((text) => (text ?? "").trim() !== "") ? [] : [one.outerHTML.slice(0, 120)];
    });
  }

  /** Texts whose contrast to what is behind them is less than so much (WCAG 2.2, 1.4.3). @param {number} least */
  function faint(least) {
    const canvas = document.createElement("canvas");
    canvas.width = 1;
    canvas.height = 1;
    const pencil = canvas.getContext("2d", { willReadFrequently: true });
    if (!pencil) return ["no canvas"];
    /** @typedef {[number, number, number, number]} Colour */
    /** @param {string} css @returns {Colour} */
    const colourOf = (css) => {
      pencil.clearRect(0, 0, 1, 1);
      pencil.fillStyle = css;
      pencil.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = pencil.getImageData(0, 0, 1, 1).data;
      return [red, green, blue, alpha / 255];
    };
    /** @param {Colour} front @param {Colour} back @returns {Colour} */
    const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    /** @param {Colour} colour */
    const light = ([r, g, b]) => {
      const [x = 0, y = 0, z = 0] = [r, g, b].map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    /** @param {Element | null} element @returns {Colour} */
    const behind = (element) => {
      if (!element) return colourOf("canvas");
      const own = colourOf(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    /** @type {Set<string>} */
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = (node.textContent ?? "").trim();
      if (!element || text === "" || !element.checkVisibility()) continue;
      if (element.closest(".away, .skip, :disabled, script, title, option")) continue;
      const back = behind(element);
      const style = getComputedStyle(element);
      const front = over(colourOf(element.closest("svg") ? style.fill : style.color), back);
      // In a picture a box is behind the text that it holds; the words of lines stand on the card.
      const box = element.closest(".box")?.querySelector("rect");
      const ground = box ? over(colourOf(getComputedStyle(box).fill), back) : back;
      const [one, other] = [light(front), light(ground)];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < least)
        found.add(`${ratio.toFixed(2)} ${element.getAttribute("class") ?? element.tagName}: ${text.slice(0, 40)}`);
    }
    return [...found];
  }

  Object.assign(globalThis, { look: { enable, faint, focused, overflow, stretch, unnamed } });
})();
