import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { notice } from "./page/frame.ts";
import { html } from "./page/html.ts";
import type { Sessions } from "./session.ts";

/**
 * What stands before every page. In this order, and each before anything of the next is looked at:
 *
 *  G1  `Host` is an address of this machine with our port: a name that leads here from elsewhere (DNS rebinding) is refused.
 *  G2  What a page of another origin sends is refused: `Origin` of every request that says one, `Sec-Fetch-Site` of what a
 *      browser sends. What changes something has to say its origin.
 *  G3  Whoever has no session gets a page that says how to get one, and nothing of any run.
 *  G4  A body is a form or JSON, and short.
 */

export const bodyBytesMost = 256 * 1_024;

/** Nothing but our own files is loaded, nothing is written into the page, nobody frames it. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy": policy,
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // `no-referrer` would make the origin of our own forms `null`.
  "Referrer-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export function guard({
  port,
  sessions,
  command,
}: {
  /** Known when the door is open. */
  readonly port: () => number;
  readonly sessions: Sessions;
  readonly command: (words: string) => string;
}): MiddlewareHandler[] {
  const named = (value: string) => [`127.0.0.1:${port()}`, `localhost:${port()}`].includes(value);

  const dressed: MiddlewareHandler = async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) {
      if (!context.res.headers.has(name)) context.res.headers.set(name, value);
    }
  };
  const ours: MiddlewareHandler = async (context, next) => {
    const { req } = context;
    const host = req.header("host") ?? "";
    if (!named(host)) return context.text("This host is not served here.\n", 403); // G1
    const origin = req.header("origin");
    const site = req.header("sec-fetch-site");
    const changes = req.method !== "GET" && req.method !== "HEAD";
    const isOwn = origin === undefined ? !changes : origin === `http://${host}`;
    const isNear =
      site === undefined || site === "same-origin" || site === "none" || (!changes && isNavigation(req.header()));
    if (!isOwn || !isNear) return context.text("This origin is not served here.\n", 403); // G2
    if (changes && req.method !== "POST") return context.text("This method is not served.\n", 405);
    return next();
  };
  const known: MiddlewareHandler = async (context, next) => {
    const { req } = context;
    const isOpen = req.path === "/enter" || req.path.startsWith("/web/"); // Files of ours, that anybody may have.
    if (isOpen || sessions.holds(req.header("cookie"))) return next();
    if (wantsJson(req.header("accept"))) {
      return context.json(
        { code: "console/not-in", message: "this browser has not been let in", hint: "", issues: [] },
        401,
      );
    }
    const page = notice(
      "Not let in",
      html`<p>This console opens by the address that it shows on the terminal; that address lets one browser in, once.</p>
<p>If the page has been open for long, start it again: <code>${command("console")}</code></p>`,
    );
    return context.html(page.text, 401); // G3
  };
  const readable: MiddlewareHandler = async (context, next) => {
    const { req } = context;
    if (req.method !== "POST") return next();
    const type = (req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
    const fits = type === "application/json" || type === "application/x-www-form-urlencoded";
    if (!fits || req.header("content-encoding") !== undefined) {
      return context.text("A form or JSON is taken, as it is.\n", 415);
    }
    return next();
  };
  const short = bodyLimit({
    maxSize: bodyBytesMost,
    onError: (context) => context.text(`A body may have at most ${bodyBytesMost} bytes.\n`, 413),
  });
  return [dressed, ours, known, readable, short]; // G4
}

export function wantsJson(accept: string | undefined): boolean {
  return /^application\/json\b/.test(accept ?? "");
}

/** Somebody follows a link that stands elsewhere: our cookie does not come along, and what they see says so. */
function isNavigation(headers: Readonly<Record<string, string | undefined>>): boolean {
  return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
}
