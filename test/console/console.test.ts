import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { folder, type Remit, remit, remitHere, startRemit } from "../cli/remit.ts";
import { hasBrowser, openBrowser, watchedContext } from "./browser.ts";

/** A suite in which nobody approves, played once; each test works on a copy. */
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "remit-console-"));
  await remit(home, ["run", "--filter", "refund", "--approver", "none", "--json", "--no-report"]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function copyOfHome(): string {
  const copy = folder();
  cpSync(home, copy, { recursive: true });
  return copy;
}

/** Starts the console as a person does, and reads its address off the terminal. */
async function openConsole(
  cwd: string,
  args: readonly string[] = [],
): Promise<Remit & { address: string; origin: string }> {
  const started = startRemit(cwd, ["console", ...args]);
  onTestFinished(async () => {
    started.child.kill("SIGKILL");
    await started.ended.catch(() => undefined);
  });
  let stdout = "";
  started.child.stdout?.on("data", (text: string) => {
    stdout += text;
  });
  await started.printed("Ctrl-C ends the console");
  const [address = ""] = /http:\/\/127\.0\.0\.1:\d+\/enter\?token=\S+/.exec(stdout) ?? [];
  return { ...started, address, origin: new URL(address).origin };
}

const waiting = async (cwd: string): Promise<{ address: string; tool: string; run: string }[]> =>
  JSON.parse((await remitHere(cwd, ["approvals", "list", "--json"])).stdout).approvals;

test("it listens on this machine alone, lets one browser in, and ends with Ctrl-C", async () => {
  const cwd = copyOfHome();
  const { address, origin, child, ended, printed } = await openConsole(cwd);
  const entered = await fetch(address, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  await printed("A browser was let in.");
  expect((await fetch(address, { redirect: "manual" })).status).toBe(403);
  expect((await fetch(`${origin}/`)).status).toBe(401);
  const page = await fetch(`${origin}/`, { headers: { cookie } });
  expect([page.status, (await page.text()).includes("waits for a decision")]).toEqual([200, true]);
  const events = await fetch(`${origin}/events`, { headers: { cookie } });
  child.kill("SIGINT");
  expect((await ended).code).toBe(0);
  await events.body?.cancel().catch(() => undefined);

  // It comes back where it was, and whoever was in is in.
  const again = await openConsole(cwd);
  expect(again.origin).toBe(origin);
  expect((await fetch(`${origin}/inbox`, { headers: { cookie } })).status).toBe(200);
  // Another folder's console takes another port, and knows nobody.
  const other = await openConsole(copyOfHome());
  expect(other.origin).not.toBe(origin);
  expect((await fetch(`${other.origin}/`, { headers: { cookie } })).status).toBe(401);
});

test("what is in the way is said as every command says it", async () => {
  const missing = await remitHere(folder(), ["console"]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("state/missing")]);
  const wrong = await remitHere(home, ["console", "--port", "0"]);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--port takes a number")]);
  const unknown = await remitHere(home, ["console", "no-such-suite"]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("suite/unknown")]);
});

test("of a suite that is named, nothing of the others can be reached", async () => {
  const cwd = copyOfHome();
  const [other] = await waiting(cwd);
  const { suites } = JSON.parse((await remitHere(cwd, ["list", "--json"])).stdout);
  const played = await remitHere(cwd, ["run", "--filter", "thanks", "--no-report", "--json"]);
  const own = JSON.parse(played.stdout).suites[0].suite;
  const { address, origin } = await openConsole(cwd, [own]);
  const entered = await fetch(address, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const get = (path: string) => fetch(`${origin}${path}`, { headers: { cookie } });
  const { runs } = (await (await get("/api/runs")).json()) as { runs: { group: string }[] };
  expect(runs.map(({ group }) => group)).toEqual([own]);
  expect(await (await get("/api/inbox")).json()).toMatchObject({ cases: [] });
  for (const group of [own, suites[0].id]) {
    expect((await get(`/runs/${group}/${other?.run}`)).status).toBe(404);
    const said = await fetch(`${origin}/inbox/${group}/decide`, {
      method: "POST",
      headers: { cookie, origin, "content-type": "application/json" },
      body: JSON.stringify({ at: other?.address, decision: "approve", reason: "not mine" }),
    });
    expect(said.status).toBe(404);
  }
});

describe.skipIf(!hasBrowser)(
  `in a browser${hasBrowser ? "" : ": there is no /usr/bin/chromium here, so nothing of it is tested"}`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(() => browser.close());

    /** Where the keyboard is. */
    const focused = (page: Page) => page.evaluate("look.focused()");
    /** Goes on with the tabulator until it has come to what is wanted. */
    const tabTo = async (page: Page, wanted: string) => {
      for (let press = 0; press < 80; press++) {
        if ((await focused(page)) === wanted) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`the keyboard does not come to ${wanted}`);
    };

    test("one write is approved, another rejected, their runs end as one looks on; two tabs on one write are one decision", async () => {
      const cwd = copyOfHome();
      const { address, origin } = await openConsole(cwd);
      const { context, watched } = await watchedContext(browser, origin);
      const page = await context.newPage();
      await page.goto(address);
      await page.getByRole("link", { name: /^Inbox/ }).click();
      const cases = await waiting(cwd);
      expect(await page.locator(".inbox li").count()).toBeGreaterThanOrEqual(cases.length);
      const [one, two] = cases as [(typeof cases)[number], (typeof cases)[number]];
      const open = async (tab: Page, at: string) => {
        await tab.goto(`${origin}/inbox`);
        await tab.locator(`[id="case-${at}"]`).click();
        await tab.getByRole("heading", { name: "Decide" }).waitFor();
      };

      await open(page, one.address);
      const other = await context.newPage();
      await open(other, one.address);
      await other.getByLabel("Why; it is kept, and a rejected agent reads it").fill("I would not");
      await page.locator("#reason").fill("the carrier confirmed it");
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByText("Your word counted.").waitFor();
      // The other tab hears of it by itself, keeps what was typed, and lets nothing more be said.
      await other
        .getByText(/approved it\./)
        .first()
        .waitFor();
      expect(await other.locator("#reason").inputValue()).toBe("I would not");
      expect(await other.getByRole("button", { name: "Reject" }).isDisabled()).toBe(true);
      // Said all the same, as a browser without scripts would: it is what it is.
      await other.evaluate("look.enable()");
      await other.getByRole("button", { name: "Reject" }).click();
      await other.getByText("Your word came too late.").waitFor();
      expect(await other.getByRole("alert").textContent()).toContain("approval/unknown");
      // The browser notes the status of that answer, and nothing else.
      expect(watched.faults.filter((text) => !text.includes("409"))).toEqual([]);
      watched.faults.length = 0;

      await open(page, two.address);
      await page.locator("#reason").fill("nothing was lost");
      await page.getByRole("button", { name: "Reject" }).click();
      await page.getByText("Your word counted.").waitFor();

      for (const { run } of [one, two]) {
        await page.goto(`${origin}/?text=${run}`);
        await page.locator(".runs a.headline").click();
        await page.locator(".about .status:not(.running):not(.parked)").waitFor();
        await page.locator(".beat.end .title").waitFor();
        await page.getByRole("button", { name: "Verify and replay now" }).click();
        await page.getByText("Decided again, and every decision is the same").waitFor();
      }
      expect(watched).toEqual({ faults: [], foreign: [] });
      const shown = JSON.parse((await remitHere(cwd, ["show", one.run, "--json"])).stdout);
      const words = shown.entries.filter(({ type }: { type: string }) => type === "approval.decided");
      expect(words.map(({ body }: { body: { reason: string } }) => body.reason)).toEqual(["the carrier confirmed it"]);
      expect(words[0].body.principal.authenticated).toBe(false);
      await context.close();
    });

    test("all of it goes by the keyboard alone: find, look, change the arguments, propose, see what became of it", async () => {
      const cwd = copyOfHome();
      const [first] = await waiting(cwd);
      const { address, origin } = await openConsole(cwd);
      const { context, watched } = await watchedContext(browser, origin);
      const page = await context.newPage();
      await page.goto(address);
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement?.textContent")).toBe("To the content");
      await tabTo(page, "a#to-inbox");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/inbox`);
      await tabTo(page, `a#case-${first?.address}`);
      await page.keyboard.press("Enter");
      await page.locator("#to-edit").waitFor();
      await tabTo(page, "summary#to-edit");
      await page.keyboard.press("Enter");
      await tabTo(page, "textarea#input");
      await page.keyboard.press("Control+A");
      await page.keyboard.type('{"orderId": 1}');
      await page.locator("#fits.bad").waitFor();
      expect(await page.locator("#fits").textContent()).toContain("/orderId");
      await page.keyboard.press("Tab");
      expect(await focused(page)).toBe("input#edit-reason");
      await page.keyboard.type("it was less");
      await page.keyboard.press("Enter");
      // What is wrong is where the keyboard is, as soon as the page is there, and what was typed is there.
      await page.getByRole("alert").and(page.locator("div#alert:focus")).waitFor();
      expect(await page.locator("#input").inputValue()).toBe('{"orderId": 1}');
      expect(await page.locator("#edit-reason").inputValue()).toBe("it was less");
      const faults = watched.faults.filter((text) => !text.includes("422"));
      expect({ faults, foreign: watched.foreign }).toEqual({ faults: [], foreign: [] });
      await context.close();
    });

    test("pages follow what another process does, say when the connection is lost, and go on after a restart", async () => {
      const cwd = copyOfHome();
      const [first] = await waiting(cwd);
      const console1 = await openConsole(cwd);
      const { context } = await watchedContext(browser, console1.origin);
      const page = await context.newPage();
      await page.goto(console1.address);
      await page.goto(`${console1.origin}/inbox`);
      await page.locator("#state.live").waitFor();
      const before = await page.locator(".inbox li").count();
      await remitHere(cwd, ["approvals", "reject", first?.address ?? "", "--reason", "on the terminal"]);
      await expect.poll(() => page.locator(".inbox li").count()).toBeLessThan(before);

      console1.child.kill("SIGINT");
      await console1.ended;
      await page.getByText("Connection lost").waitFor();
      const [second] = await waiting(cwd);
      await remitHere(cwd, ["approvals", "reject", second?.address ?? "", "--reason", "while nobody looked"]);
      const left = (await waiting(cwd)).length;
      await openConsole(cwd);
      await page.locator("#state.live").waitFor();
      await expect.poll(() => page.locator('[id^="case-"]').count()).toBe(left);
      await context.close();
    });

    test("a page that tells why a word does not count goes on to follow its case", async () => {
      const cwd = copyOfHome();
      const [open] = await waiting(cwd);
      const { address, origin } = await openConsole(cwd);
      const { context } = await watchedContext(browser, origin);
      const page = await context.newPage();
      await page.goto(address);
      await page.goto(`${origin}/inbox`);
      await page.locator(`[id="case-${open?.address}"]`).click();
      await page.locator("#to-edit").click();
      await page.locator("#input").fill("{}");
      await page.locator("#edit-reason").fill("no arguments");
      await page.locator("#propose").click();
      await page.locator("#alert").waitFor();
      expect(await page.locator("#verdict").textContent()).toContain("Waits for an approval");
      await remitHere(cwd, ["approvals", "approve", open?.address ?? "", "--reason", "seen on the terminal"]);
      await expect.poll(() => page.locator("#verdict").textContent()).toContain("It is approved");
      expect(await page.locator("#approve").isDisabled()).toBe(true);
      await context.close();
    });

    test("what the page follows does not take the keyboard away from where it is", async () => {
      const cwd = copyOfHome();
      const [open] = await waiting(cwd);
      const { address, origin } = await openConsole(cwd);
      const { context } = await watchedContext(browser, origin);
      const page = await context.newPage();
      await page.goto(address);
      const group = (await page.locator(".runs a.headline").first().getAttribute("href"))?.split("/")[2] ?? "";
      await page.goto(`${origin}/runs/${group}/${open?.run}`);
      await page.locator("#path summary").focus();
      await page.keyboard.press("Enter");
      const drawn = await page.locator("[data-live=path]").innerHTML();
      await remitHere(cwd, ["approvals", "approve", open?.address ?? "", "--reason", "seen on the terminal"]);
      await expect.poll(() => page.locator("[data-live=path]").innerHTML(), { timeout: 10_000 }).not.toBe(drawn);
      expect(await page.evaluate("document.activeElement.matches('#path details[open] summary')")).toBe(true);
      await context.close();
    });

    test("the report of a suite fits a narrow screen, and its tables begin with their names", async () => {
      const cwd = folder();
      const { stdout } = await remitHere(cwd, ["run", "--filter", "thanks", "--json"]);
      const { context, watched } = await watchedContext(browser, "file://", { viewport: { width: 360, height: 740 } });
      const page = await context.newPage();
      await page.goto(`file://${JSON.parse(stdout).report}`);
      await page.evaluate("look.stretch('h1, h2, h3, p, dd')");
      expect(await page.evaluate("look.overflow()")).toBe(0);
      const table = "[...document.querySelectorAll('details[open] .scroll')].find((one) => one.querySelector('table'))";
      expect(await page.evaluate(`${table}.scrollWidth > ${table}.clientWidth`)).toBe(true);
      expect(await page.evaluate(`${table}.scrollLeft`)).toBe(0);
      expect(watched).toEqual({ faults: [], foreign: [] });
      await context.close();
    });

    test("at every width, in light and dark, everything is on the page, has a name, and stands out from what is behind it", async () => {
      const cwd = copyOfHome();
      const [first] = await waiting(cwd);
      const { address, origin } = await openConsole(cwd);
      const cookies = await (async () => {
        const { context } = await watchedContext(browser, origin);
        const page = await context.newPage();
        await page.goto(address);
        const state = await context.storageState();
        await context.close();
        return state;
      })();
      const sizes = [
        [1280, "light"],
        [1280, "dark"],
        [768, "light"],
        [390, "dark"],
      ] as const;
      for (const [width, colorScheme] of sizes) {
        const viewport = { width, height: 900 };
        const { context, watched } = await watchedContext(browser, origin, {
          viewport,
          colorScheme,
          storageState: cookies,
        });
        const page = await context.newPage();
        await page.goto(`${origin}/`);
        const suite = await page.locator(".runs a.headline").first().getAttribute("href");
        const group = suite?.split("/")[2] ?? "";
        const paths = [
          "/",
          "/inbox",
          "/letters",
          `/runs/${group}/${first?.run}?replay=now`,
          `/inbox/${group}/case?at=${encodeURIComponent(first?.address ?? "")}`,
        ];
        for (const path of paths) {
          await page.goto(`${origin}${path}`);
          if (path.startsWith("/runs/")) await page.locator(".beats .beat").first().waitFor();
          for (const summary of await page.locator("main details > summary:visible").all()) await summary.click();
          const where = `${path} at ${width} in ${colorScheme}`;
          expect([where, await page.evaluate("look.overflow()")]).toEqual([where, 0]);
          expect([where, await page.evaluate("look.unnamed()")]).toEqual([where, []]);
          expect([where, await page.evaluate("look.faint(4.5)")]).toEqual([where, []]);
          // Words of others may be as long as they like.
          await page.evaluate("look.stretch('h1, h2, dd, .headline, .said, .detail, .asked')");
          expect([where, "stretched", await page.evaluate("look.overflow()")]).toEqual([where, "stretched", 0]);
        }
        // What it measures with finds something where more is asked for.
        expect(await page.evaluate("look.faint(12)")).not.toEqual([]);
        expect(watched).toEqual({ faults: [], foreign: [] });
        await context.close();
      }
    });
  },
);
