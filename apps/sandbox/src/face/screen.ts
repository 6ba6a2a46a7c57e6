import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { cut } from "./text.ts";

type Tint = (text: string) => string;

/** Colours by what they mean here. Without colours each returns its text. */
export interface Paint {
  readonly strong: Tint;
  readonly quiet: Tint;
  readonly good: Tint;
  readonly bad: Tint;
  readonly warn: Tint;
  readonly name: Tint;
  /** A colour of its own for the n-th lane. */
  readonly lane: (index: number, text: string) => string;
}

/** Where a person reads. */
export interface Screen {
  /** True when it is a terminal: things may move, and somebody watches. */
  readonly live: boolean;
  /** Cells of a line. */
  readonly columns: number;
  readonly paint: Paint;
  /** Prints lines that stay, above the status. */
  readonly print: (...lines: readonly string[]) => void;
  /** Shows one line at the bottom that the next one replaces; "" takes it away. Does nothing when not live. */
  readonly status: (line: string) => void;
}

const laneFormats = [
  "cyan",
  "magenta",
  "blue",
  "yellow",
  "green",
  "cyanBright",
  "magentaBright",
  "blueBright",
] as const;
type Format = "bold" | "dim" | "green" | "red" | "yellow" | "underline" | (typeof laneFormats)[number];

/** Node decides about colours: a terminal, NO_COLOR, FORCE_COLOR. */
function paintFor(stream: NodeJS.WritableStream): Paint {
  const colours = styleText("red", "x", { stream }) !== "x";
  const tint =
    (format: Format): Tint =>
    (text) =>
      colours && text !== "" ? styleText(format, text, { validateStream: false }) : text;
  const lanes = laneFormats.map(tint);
  return {
    strong: tint("bold"),
    quiet: tint("dim"),
    good: tint("green"),
    bad: tint("red"),
    warn: tint("yellow"),
    name: tint("cyan"),
    lane: (index, text) => lanes[index % lanes.length]?.(text) ?? text,
  };
}

/** Cells of a line where there is no terminal to ask. */
const columnsElsewhere = 120;

/**
 * Ends the process when what it prints cannot be written: quietly, as a closed pipe would, when nobody reads on; for any
 * other reason, such as a full disk, with `code`. To be called before anything is printed.
 * @param tell says what is wrong; what it prints may come to nobody either
 */
export function leaveWhenUnread(
  streams: readonly NodeJS.WriteStream[],
  { code, tell }: { readonly code: number; readonly tell: (error: Error) => void },
): void {
  let told = false;
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(141);
      if (!told) {
        told = true;
        tell(error);
      }
      process.exit(code);
    });
  }
}

/** The screen on a stream, which may be a terminal. */
export function screenOn(stream: NodeJS.WritableStream): Screen {
  const live = (stream as Partial<WriteStream>).isTTY === true && process.env.TERM !== "dumb";
  const columns = () => (live ? Math.max(40, (stream as WriteStream).columns || 80) : columnsElsewhere);
  let shown = "";
  const clear = () => {
    if (shown !== "") stream.write("\r\u001b[2K");
  };
  return {
    live,
    get columns() {
      return columns();
    },
    paint: paintFor(stream),
    print: (...lines) => {
      clear();
      for (const line of lines) stream.write(`${line}\n`);
      if (shown !== "") stream.write(shown);
    },
    status: (line) => {
      if (!live) return;
      clear();
      shown = line;
      if (shown !== "") stream.write(shown);
    },
  };
}

/** A bar of `cells` cells that is filled to `share` (0 to 1), in eighths of a cell. */
export function bar(share: number, cells: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const whole = Math.floor(eighths / 8);
  const rest = eighths % 8;
  const part = rest === 0 ? "" : String.fromCodePoint(0x2590 - rest);
  return cut("█".repeat(whole) + part + "·".repeat(cells), cells + 1).slice(0, cells);
}
