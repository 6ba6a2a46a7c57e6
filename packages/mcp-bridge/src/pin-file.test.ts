import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type McpDefinition, pinOf } from "./definition.ts";
import { McpError } from "./errors.ts";
import { pinFile } from "./pin-file.ts";
import { accept, emptyPins, pinOfFacts, pinsOf, readPins, sighted, sightingOf, writePins } from "./pin-store.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "remit-pins-"));
  folders.push(folder);
  return join(folder, "pins.json");
}

const facts = { identity: { kind: "http", origin: "https://shop.example" }, instructions: null } as const;
const echo: McpDefinition = { name: "echo", description: "Echoes.", inputSchema: { type: "object" } };
const at = "2026-01-01T00:00:00.000Z";
const sight = (tool: McpDefinition = echo) => ({ server: "shop", facts, tools: [tool] });
const acceptEcho = { server: "shop", tool: "echo", pin: pinOf(echo), by: "os:ann", at };

test("Q1 what is seen waits; accepting needs the pin that was shown, and says who and when", () => {
  const seen = sighted(emptyPins, sight(), at);
  expect(pinsOf(seen, "shop").tools.echo).toEqual({ pending: { pin: pinOf(echo), value: echo, seenAt: at } });
  const accepted = accept(seen, acceptEcho);
  expect(pinsOf(accepted, "shop").tools.echo).toEqual({
    accepted: { pin: pinOf(echo), value: echo, by: "os:ann", at },
  });
  expect(() => accept(seen, { ...acceptEcho, pin: `sha256-${"A".repeat(43)}` })).toThrow(McpError);
  expect(() => accept(seen, { ...acceptEcho, tool: "toString" })).toThrow("mcp/acceptance-stale");
});

test("Q2 a change never takes the place of what is accepted, however often it is seen, and first use trusts no change", () => {
  const accepted = accept(sighted(emptyPins, sight(), at), acceptEcho);
  const changed = { ...echo, description: "Echoes to me." };
  let document = accepted;
  for (let looks = 0; looks < 3; looks++) document = sighted(document, sight(changed), at, "trustOnFirstUse");
  expect(sightingOf(pinsOf(document, "shop"), "echo")).toMatchObject({
    accepted: { pin: pinOf(echo), by: "os:ann" },
    pending: { pin: pinOf(changed) },
  });
  expect(sighted(document, sight(changed), at)).toBe(document);
  // Back to what was accepted: nothing waits any more.
  expect(sightingOf(pinsOf(sighted(document, sight(), at), "shop"), "echo").pending).toBeUndefined();
});

test("a file is its owner's alone, holds all of it, and no file is an empty document", async () => {
  const path = place();
  const pins = pinFile(path);
  expect(await pins.read()).toEqual(emptyPins);
  expect(existsSync(path)).toBe(false);
  const written = await pins.change((document) => accept(sighted(document, sight(), at), acceptEcho));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await pinFile(path).read()).toEqual(written);
  expect(readdirSync(join(path, "..")).sort()).toEqual(["pins.json", "pins.json.lock"]);
  const { mtimeNs } = statSync(path, { bigint: true });
  await pins.change((document) => document);
  expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
});

test("what another one has written is read, also in place of what was read before", async () => {
  const path = place();
  const pins = pinFile(path);
  expect(await pins.read()).toEqual(emptyPins);
  await pinFile(path).change((document) => sighted(document, sight(), at));
  expect(await pins.read()).toEqual(await pinFile(path).read());
  expect(await pins.read()).toBe(await pins.read());
  writeFileSync(path, "{");
  await expect(pins.read()).rejects.toMatchObject({ code: "mcp/pins-unreadable" });
  rmSync(path);
  expect(await pins.read()).toEqual(emptyPins);
});

test("a link to a file stays a link", async () => {
  const path = place();
  const target = place();
  await pinFile(target).change((document) => sighted(document, sight(), at));
  symlinkSync(target, path);
  await pinFile(path).change((document) => accept(document, acceptEcho));
  expect((await pinFile(target).read()).servers.shop?.tools.echo?.accepted?.by).toBe("os:ann");
});

const whole = writePins(accept(sighted(emptyPins, sight(), at), acceptEcho));
test.each([
  ["half of it", whole.slice(0, -40), "it is not JSON"],
  ["nothing", "", "it is not JSON"],
  ["another file", '{"servers":{}}', "it is not a file of pins"],
  ["a newer one", whole.replace('"version": 1', '"version": 2'), "it has version 2, and this program knows 1"],
  [
    "another member",
    whole.replace('"by": "os:ann"', '"by": "os:ann", "trusted": true'),
    "another form at servers/shop",
  ],
  ["an edited description", whole.replace('"Echoes."', '"Echoes it."'), "the pin of shop/echo is not the one of what"],
  ["an exchanged name", whole.replace('"echo": {', '"other": {'), "shop/other holds the tool echo"],
])("Q3 a file with %s accepts nothing and is not written over", async (_, text, reason) => {
  const path = place();
  writeFileSync(path, text);
  const pins = pinFile(path);
  const failures = [pins.read(), pins.change((document) => accept(document, acceptEcho))];
  for (const failure of failures) {
    await expect(failure).rejects.toMatchObject({ code: "mcp/pins-unreadable", data: { file: path } });
    await expect(failure).rejects.toThrow(reason);
  }
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("a folder in place of the file is no file of pins", async () => {
  const path = place();
  await expect(pinFile(join(path, "..")).read()).rejects.toMatchObject({ code: "mcp/pins-unreadable" });
});

test("processes that accept at once lose nothing of each other", async () => {
  const path = place();
  const script = fileURLToPath(new URL("./testing/pin-writer.ts", import.meta.url));
  const writers = ["one", "other", "third"].map((server) => spawn(process.execPath, [script, path, server, "8"]));
  const codes = await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0]));
  expect(codes).toEqual([0, 0, 0]);
  const { servers } = readPins(readFileSync(path, "utf8"), path);
  const names = Array.from({ length: 8 }, (_, index) => `tool_${index}`);
  for (const server of ["one", "other", "third"]) {
    const tools = Object.entries(servers[server]?.tools ?? {});
    expect(tools.map(([name]) => name)).toEqual(names);
    expect(tools.every(([, { accepted }]) => accepted?.by === server)).toBe(true);
  }
}, 60_000);

test("who waits too long for another process is told, and has written nothing", async () => {
  const path = place();
  const pins = pinFile(path, { timeoutMs: 1 });
  await pins.change((document) => document);
  const holder = new DatabaseSync(`${path}.lock`);
  holder.exec("BEGIN EXCLUSIVE");
  await expect(pins.change((document) => sighted(document, sight(), at))).rejects.toMatchObject({
    code: "mcp/pins-busy",
    retryable: true,
  });
  holder.close();
  await pins.change((document) => sighted(document, sight(), at));
  expect(pinsOf(await pins.read(), "shop").server.pending?.pin).toBe(pinOfFacts(facts));
});
