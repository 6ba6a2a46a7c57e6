import { visible } from "../face/text.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text for an element or for a quoted attribute; what would turn the reading direction of the page is a visible sign. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * JSON for the inside of a `<script>` element: nothing in it can end the element or begin a comment. Its texts are shown,
 * so what would turn their reading direction is a visible sign here as well.
 */
export function scriptJson(value: unknown): string {
  const seen = (_: string, one: unknown) => (typeof one === "string" ? visible(one) : one);
  return JSON.stringify(value, seen).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
