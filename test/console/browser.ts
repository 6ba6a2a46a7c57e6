import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Debian's own; no browser is downloaded. */
const executablePath = "/usr/bin/chromium";

export const hasBrowser: boolean = existsSync(executablePath);

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What went wrong in pages, and whom they asked beside the console. */
export interface Watched {
  readonly faults: string[];
  readonly foreign: string[];
}

/** A browser of its own: with cookies of its own, and an eye on what its pages do. */
export async function watchedContext(
  browser: Browser,
  origin: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<{ readonly context: BrowserContext; readonly watched: Watched }> {
  const context = await browser.newContext(options);
  await context.addInitScript({ path: fileURLToPath(new URL("in-page.js", import.meta.url)) });
  const watched: Watched = { faults: [], foreign: [] };
  context.on("page", (page: Page) => {
    page.on("pageerror", ({ message }) => watched.faults.push(`thrown: ${message}`));
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) watched.faults.push(`${message.type()}: ${message.text()}`);
  });
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) watched.foreign.push(url);
  });
  return { context, watched };
}
