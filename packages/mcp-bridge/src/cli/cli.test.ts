import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { operator, systemClock } from "@remit/core";
import { calculate } from "@remit/tools";
import { afterEach, expect, test } from "vitest";
import { readMcpConfig } from "../config.ts";
import { httpServer } from "../http-server-options.ts";
import { serveMcp } from "../serve.ts";
import { type HostileFixture, hostileServer } from "../testing/fixture.ts";
import type { Context, ExitCode } from "./context.ts";
import { program } from "./program.ts";

const fixtures: HostileFixture[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A file with one server that has a secret, and what `remit` says of it. */
function configured(mode: string, remit: object) {
  const folder = mkdtempSync(join(tmpdir(), "remit-cli-"));
  folders.push(folder);
  const fixture = hostileServer(mode);
  fixtures.push(fixture);
  const { command, args } = fixture.transport;
  const file = join(folder, "mcp.json");
  const write = (said: object) => {
    const env = { API_TOKEN: `\${API_TOKEN}` };
    writeFileSync(file, JSON.stringify({ mcpServers: { shop: { command, args, env, remit: said } } }));
  };
  write(remit);
  return { file, write, pins: join(folder, "mcp-pins.json"), fixture };
}

async function run(words: readonly string[], more: Partial<Context> = {}) {
  const lines: string[] = [];
  let code: ExitCode | undefined;
  const context: Context = {
    print: (line) => lines.push(line),
    warn: (line) => lines.push(`! ${line}`),
    env: { API_TOKEN: "a-token-value" },
    clock: systemClock(),
    principal: () => operator("ann"),
    ...more,
  };
  const command = program(context, (found) => {
    code = found;
  });
  await command.parseAsync(["node", "remit-mcp", ...words]);
  return { code, text: lines.join("\n"), lines };
}

const entry = fileURLToPath(new URL("./main.ts", import.meta.url));

test("whoever reads no further has heard enough, and what cannot be written is one sentence", async () => {
  const env = { PATH: process.env.PATH };
  const begun = (stdout: "pipe" | number) =>
    spawn(process.execPath, ["--conditions=@remit/source", entry, "--help"], {
      stdio: ["ignore", stdout, "pipe"],
      env,
    });
  const ended = async (child: ReturnType<typeof begun>) => {
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, "close");
    return { code, stderr };
  };
  const unread = begun("pipe");
  unread.stdout?.destroy();
  expect(await ended(unread)).toEqual({ code: 141, stderr: "" });

  if (!existsSync("/dev/full")) return;
  const full = openSync("/dev/full", "w");
  const unwritten = begun(full);
  closeSync(full);
  const { code, stderr } = await ended(unwritten);
  expect(stderr).toMatch(/^remit-mcp: the output cannot be written: ENOSPC: .*\n$/);
  expect(code).toBe(2);
});

const tools = { echo: { effect: "read" }, plain: { effect: "read" } };

test("scan shows every tool with its pin, and proposes what a file may say, which is then read as it stands", async () => {
  const { file, write } = configured("good", {});
  const { code, text } = await run(["scan", file]);
  expect(code).toBe(0);
  expect(text).toMatch(/^shop: .*calls itself hostile 6\.6\.6, protocol 2025-11-25$/m);
  expect(text).toMatch(/^ {2}echo {2}sha256-[\w-]{43}$/m);
  expect(text).toContain("proposed: write, high risk, because nothing says that it only reads");
  const json = await run(["scan", file, "--json"]);
  const proposed = JSON.parse(json.text) as { shop: { remit: object } };
  write(proposed.shop.remit);
  const { servers } = await readMcpConfig(file, { env: { API_TOKEN: "x" } });
  expect(servers.shop?.tools.echo).toEqual({ effect: "write", risk: "high", idempotency: "none", remoteName: "echo" });
});

test("scan looks at a command, proposes TypeScript, and tells of what cannot be used", async () => {
  const { fixture } = configured("bad-tools", {});
  const { command, args } = fixture.transport;
  const { code, text } = await run(["scan", "--ts", "--", command, ...args]);
  expect(code).toBe(0);
  expect(text).toContain("! not usable: no_schema: `inputSchema` is not an object");
  expect(text).toMatch(
    /^ {6}echo: \{ effect: "write", risk: "high", idempotency: "none", pin: "sha256-[\w-]{43}" \},/m,
  );
});

test("scan proposes the whole address of a server that has one, without what is secret in it", async () => {
  await using shop = await serveMcp({ name: "shop", version: "1", tools: [calculate], transport: httpServer({}) });
  const folder = mkdtempSync(join(tmpdir(), "remit-cli-"));
  folders.push(folder);
  const file = join(folder, "mcp.json");
  writeFileSync(file, JSON.stringify({ mcpServers: { shop: { url: `${shop.address?.url}?key=\${API_TOKEN}` } } }));
  const { code, text } = await run(["scan", file, "--ts"]);
  expect(code).toBe(0);
  expect(text).toContain(`transport: http({ url: "${shop.address?.url}" }),`);
});

test("scan goes on where one server cannot be looked at", async () => {
  const { file } = configured("exit-at-start", {});
  const { code, text } = await run(["scan", file]);
  expect(code).toBe(1);
  expect(text).toContain("! shop: mcp/exited-at-start");
  expect(text).not.toContain("a-token-value");
});

test("pins shows what waits and how to accept it; accepting that accepts it, and is written down with who and when", async () => {
  const { file, pins } = configured("good", { tools });
  const before = await run(["pins", file]);
  expect(before.code).toBe(1);
  expect(before.text).toContain("shop: new, waits\n  echo: new, waits\n  plain: new, waits");
  const said = before.lines.at(-1)?.trim().split(" ") ?? [];
  expect(said.slice(0, 3)).toEqual(["remit-mcp", "accept", file]);
  const accepted = await run(said.slice(1));
  expect(accepted).toMatchObject({
    code: 0,
    lines: ["Accepted: shop by ann.", "Accepted: shop/echo by ann.", "Accepted: shop/plain by ann."],
  });
  const after = await run(["pins", file]);
  expect(after.code).toBe(0);
  expect(after.text).toMatch(/^shop: accepted by ann on \d{4}-\d\d-\d\d\n {2}echo: accepted by ann on /);
  expect(readFileSync(pins, "utf8")).not.toContain("a-token-value");
});

test("a change is shown place by place before it is asked about, and a no leaves it waiting", async () => {
  const { file } = configured("drift", { tools: { echo: { effect: "read" } } });
  await run(["accept", file], { ask: async () => true });
  const asked: string[] = [];
  const answer = (yes: boolean) => async (question: string) => {
    asked.push(question);
    return yes;
  };
  const no = await run(["accept", file], { ask: answer(false) });
  expect(no.code).toBe(1);
  expect(no.text).toMatch(
    /^Changed: echo of shop {2}sha256-[\w-]{43}\n {2}at \/description\n {2}- Tool echo\.\n {2}\+ Now sends it to me too\./,
  );
  expect((await run(["pins", file, "--offline"])).text).toContain("echo: changed, waits; before by ann");
  const yes = await run(["accept", file, "shop/echo"], { ask: answer(true) });
  expect(yes.code).toBe(0);
  expect(asked).toEqual(["Accept it?", "Accept it?"]);
  expect((await run(["accept", file], { ask: answer(true) })).text).toBe("Nothing waits.");
});

test("where nobody sits, nothing is accepted without its pin, and a pin that was not shown accepts nothing", async () => {
  const { file } = configured("good", { tools });
  const nobody = await run(["accept", file, "shop/echo"]);
  expect(nobody.code).toBe(2);
  const other = `shop/echo=sha256-${"A".repeat(43)}`;
  await expect(run(["accept", file, other])).rejects.toMatchObject({ code: "mcp/acceptance-stale" });
  await expect(run(["accept", file, "other"], { ask: async () => true })).rejects.toThrow(
    "nothing of the server other",
  );
});

test("a file of pins that cannot be read is told before anything is started", async () => {
  const { file, pins, fixture } = configured("good", { tools });
  writeFileSync(pins, "{");
  await expect(run(["pins", file])).rejects.toMatchObject({ code: "mcp/pins-unreadable" });
  expect(fixture.starts()).toEqual([]);
});
