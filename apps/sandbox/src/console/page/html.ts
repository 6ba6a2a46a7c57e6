import { escapeHtml } from "../../report/escape.ts";

/** Markup that is safe to send: made by {@link html} alone, which escapes all that is not markup itself. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = Html | string | number | undefined | false | readonly Piece[];

/** Markup with values between. Texts are escaped, and what nobody sees in them becomes visible; other markup stays. */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Html {
  return new Html(parts.map((part, index) => part + (index < values.length ? written(values[index]) : "")).join(""));
}

/** Markup that comes from code of ours, as it is. */
export function trusted(text: string): Html {
  return new Html(text);
}

function written(piece: Piece): string {
  if (piece instanceof Html) return piece.text;
  if (Array.isArray(piece)) return piece.map((one: Piece) => written(one)).join("");
  return piece === undefined || piece === false ? "" : escapeHtml(String(piece));
}
