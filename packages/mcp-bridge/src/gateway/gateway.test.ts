import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { osPrincipal, systemClock } from "@remit/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { accept } from "../cli/accept.ts";
import { gateway } from "../cli/gateway.ts";
import { compileCache } from "../testing/fixture.ts";
import { statelessClient } from "../testing/http-client.ts";

/** The command line's own gateway, with a server process behind it and clients over HTTP before it. */

const tokens = { ada: "token-of-ada-0123", ben: "token-of-ben-0123", ops: "token-of-ops-0123" };
const asks = { elicitation: { form: {} }, sampling: {} };
const desk = fileURLToPath(new URL("../testing/gateway-desk.ts", import.meta.url));

const ends: (() => Promise<void>)[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A variable as it stands in a file. */
const variable = (name: string) => `$\{${name}}`;

/** What is accepted of the desk, once for all tests: where its log lies is no part of what it is. */
let pinned: { readonly pins: string; readonly folder: string };
beforeAll(async () => {
  const { file, folder } = place({}, { ...seats, crash: { effect: "read" } });
  folders.splice(folders.indexOf(folder), 1);
  const { context: own } = context();
  expect(await accept(file, [], {}, own)).toBe(0);
  pinned = { pins: join(folder, "mcp-pins.json"), folder };
});
afterAll(() => rmSync(pinned.folder, { recursive: true }));

interface Place {
  readonly folder: string;
  readonly file: string;
  readonly paid: () => readonly { readonly cents: number; readonly idempotencyKey: string }[];
  readonly audit: () => readonly { readonly principal: string; readonly tool: string; readonly status: string }[];
}

const lines = <Line>(file: string): Line[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];

/** A write that is looked up by one tool and undone by another one. */
const seats = {
  change: { effect: "read" },
  find_booking: { effect: "read" },
  free_seat: { effect: "write", risk: "low", idempotency: "none" },
  book: {
    effect: "write",
    risk: "low",
    idempotency: "lookup",
    lookup: {
      tool: "find_booking",
      input: { seat: "/input/seat" },
      found: { at: "/bookings/0" },
      output: "/bookings/0",
    },
    undo: { tool: "free_seat", input: { seat: "/input/seat" } },
  },
};

function place(gatewaySection: object = {}, more: object = {}): Place {
  const folder = mkdtempSync(join(tmpdir(), "remit-gateway-"));
  folders.push(folder);
  const file = join(folder, "mcp.json");
  const log = join(folder, "paid.jsonl");
  const write = { effect: "write", risk: "high", idempotency: "key" };
  const read = { effect: "read" };
  const text = JSON.stringify({
    mcpServers: {
      desk: {
        command: process.execPath,
        args: ["--conditions=@remit/source", desk],
        env: { ...compileCache(), DESK_LOG: log },
        remit: {
          required: true,
          tools: { pay: write, name: read, think: read, meta: read, draw: read, ...more },
          resources: { uris: ["desk://rules"] },
        },
      },
    },
    remit: {
      gateway: {
        listen: {},
        clients: {
          ada: { token: variable("ADA") },
          ben: { token: variable("BEN"), tools: ["desk_draw"], callsPerMinute: 1 },
          ops: { token: variable("OPS"), operator: true },
        },
        ...gatewaySection,
      },
    },
  });
  writeFileSync(file, text);
  return {
    folder,
    file,
    paid: () => lines(log),
    audit: () => lines(join(folder, "mcp-gateway.audit.jsonl")),
  };
}

const context = () => {
  const said: string[] = [];
  return {
    said,
    context: {
      print: (line: string) => said.push(line),
      warn: (line: string) => said.push(line),
      ask: async () => true,
      env: { ADA: tokens.ada, BEN: tokens.ben, OPS: tokens.ops },
      clock: systemClock(),
      principal: () => osPrincipal().current(),
    },
  };
};

async function open({ file }: Place, accepted = true) {
  const { context: own, said } = context();
  if (accepted) copyFileSync(pinned.pins, join(dirname(file), "mcp-pins.json"));
  const stop = new AbortController();
  const url = Promise.withResolvers<string>();
  const running = gateway(file, {}, own, {
    signal: stop.signal,
    onServing: ({ address }) => url.resolve(address?.url ?? ""),
  });
  running.catch(url.reject);
  const end = async () => {
    stop.abort();
    expect(await running).toBe(0);
  };
  ends.push(end);
  const at = await url.promise;
  const client = (who: keyof typeof tokens, capabilities: object = {}) =>
    statelessClient(at, { token: tokens[who], name: who, capabilities: capabilities as Record<string, unknown> });
  return {
    client,
    said,
    end: () => ends.splice(ends.indexOf(end), 1).reduce((all, one) => all.then(one), Promise.resolve()),
  };
}

const call = (name: string, args: object = {}, extra: object = {}) =>
  ["tools/call", { name, arguments: args, ...extra }] as const;
const namesOf = (body: { result?: { tools: { name: string }[] } }) => body.result?.tools.map(({ name }) => name);
const textOf = (body: { result?: { content: { text: string }[] } }) => body.result?.content[0]?.text;

test("what nobody has accepted does not exist, and says so to the operator", async () => {
  const here = place();
  const { client, said } = await open(here, false);
  expect(namesOf((await client("ada")("tools/list")).body)).toEqual([]);
  expect((await client("ada")(...call("desk_draw"))).body.error).toMatchObject({ code: -32602 });
  expect(said.join("\n")).toMatch(/desk: ready, \d+ waiting to be accepted/);
});

test("what is accepted while a gateway runs is listed and called, without a restart; a file that is broken takes it back", async () => {
  const here = place();
  const { client } = await open(here, false);
  const ada = client("ada");
  const names = async () => namesOf((await ada("tools/list")).body);
  expect(await names()).toEqual([]);
  copyFileSync(pinned.pins, join(here.folder, "mcp-pins.json"));
  await expect.poll(names).toHaveLength(5);
  expect((await ada(...call("desk_draw"))).body.result.content).toMatchObject([{ type: "image" }]);
  writeFileSync(join(here.folder, "mcp-pins.json"), "{");
  await expect.poll(names).toEqual([]);
});

test("a change that is accepted while a gateway runs is what it calls from then on; what began before it stays with what it was", async () => {
  const here = place({}, { change: seats.change });
  const { client } = await open(here);
  const [ada, ops] = [client("ada"), client("ops")];
  const described = async (): Promise<string | undefined> =>
    (await ada("tools/list")).body.result.tools.find(({ name }: { name: string }) => name === "desk_pay")?.description;
  const pay = async (cents: number) =>
    (await ada(...call("desk_pay", { cents }, { _meta: { "remit/idempotencyKey": `invoice-${cents}` } }))).body.result;
  const approve = async (cents: number) => {
    const { waiting } = (await ops(...call("remit_approvals"))).body.result.structuredContent;
    const { address, binding } = waiting.find(({ input }: { input: { cents: number } }) => input.cents === cents);
    return (await ops(...call("remit_approve", { address, binding, reason: "due" }))).body.result.structuredContent;
  };

  expect(await described()).toBe("Pays an amount.");
  expect((await pay(1)).isError).toBe(true);
  await ada(...call("desk_change"));
  await expect.poll(described).toBeUndefined();
  expect((await ada(...call("desk_pay", { cents: 2 }))).body.error).toBeDefined();
  expect((await ada(...call("desk_draw"))).body.result.isError).toBeUndefined();

  expect(await accept(here.file, [], {}, context().context)).toBe(0);
  await expect.poll(described, { timeout: 5_000 }).toBe("Pays an amount, in cents.");
  expect((await pay(3)).isError).toBe(true);
  expect(await approve(3)).toMatchObject({ outcome: "granted" });
  expect(await pay(3)).toMatchObject({ structuredContent: { paid: 3 } });

  // Who approves this one was shown the tool as it was, and no server has that any more.
  expect(await approve(1)).toMatchObject({ outcome: "granted" });
  expect(await pay(1)).toMatchObject({ isError: true });
  expect(here.paid()).toMatchObject([{ cents: 3 }]);
});

test("a client sees and calls what the file names, as accepted; another one only its own part, within its budget", async () => {
  const here = place();
  const { client } = await open(here);
  const ada = client("ada");
  expect(namesOf((await ada("tools/list")).body)).toEqual([
    "desk_pay",
    "desk_name",
    "desk_think",
    "desk_meta",
    "desk_draw",
  ]);
  const drawn = (await ada(...call("desk_draw"))).body.result;
  expect(drawn.content).toEqual([{ type: "image", data: "aGk=", mimeType: "image/png" }]);
  const ben = client("ben");
  expect(namesOf((await ben("tools/list")).body)).toEqual(["desk_draw"]);
  expect((await ben(...call("desk_meta"))).body.error.code).toBe(-32602);
  expect((await ben(...call("desk_draw"))).body.result.isError).toBeUndefined();
  expect(textOf((await ben(...call("desk_draw"))).body)).toMatch(/callsPerMinute|minute/);
  expect((await statelessClientWithout(client)("tools/list")).status).toBe(401);
  // A line is written behind the answer that it tells of.
  const told = () => here.audit().map(({ principal, tool, status }) => [principal, tool, status]);
  await expect.poll(told).toEqual([
    ["ada", "desk_draw", "completed"],
    ["ben", "desk_meta", "denied"],
    ["ben", "desk_draw", "completed"],
    ["ben", "desk_draw", "over-budget"],
  ]);
});

/** The same address without a token. */
function statelessClientWithout(client: Awaited<ReturnType<typeof open>>["client"]) {
  const as = client("ada");
  return (method: string) => as(method, {}, { headers: { Authorization: "Bearer nobody-knows-this-one" } });
}

test("a token of a client never goes on to a server", async () => {
  const { client } = await open(place());
  const seen = textOf((await client("ada")(...call("desk_meta"))).body);
  expect(seen).toContain("remit/runId");
  expect(seen).not.toContain(tokens.ada);
});

test("a write of high risk waits for an operator, is made once, and is found again by its key, also after a restart", async () => {
  const here = place();
  const first = await open(here);
  const keyed = { _meta: { "remit/idempotencyKey": "invoice-7" } };
  const waiting = (await first.client("ada")(...call("desk_pay", { cents: 700 }, keyed))).body.result;
  expect(waiting.isError).toBe(true);
  expect(waiting.content[0].text).toMatch(/operator has to decide/);
  expect(here.paid()).toEqual([]);

  expect(namesOf((await first.client("ops")("tools/list")).body)).toEqual([
    "remit_approvals",
    "remit_approve",
    "remit_reject",
  ]);
  expect((await first.client("ada")(...call("remit_approvals"))).body.error.code).toBe(-32602);
  await first.end();

  const second = await open(here, false);
  const ops = second.client("ops");
  const listed = (await ops(...call("remit_approvals"))).body.result.structuredContent.waiting;
  expect(listed).toMatchObject([{ tool: "desk_pay", input: { cents: 700 }, requesters: ["ada"] }]);
  const [{ address, binding }] = listed;
  const wrong = (await ops(...call("remit_approve", { address, binding: "sha256-no", reason: "?" }))).body.result;
  expect(wrong).toMatchObject({ isError: true });
  expect(wrong.content[0].text).toContain("approval/binding-mismatch");
  const taken = (await ops(...call("remit_approve", { address, binding, reason: "it is due" }))).body.result;
  expect(taken.structuredContent).toMatchObject({ outcome: "granted" });

  for (let again = 0; again < 2; again++) {
    const done = (await second.client("ada")(...call("desk_pay", { cents: 700 }, keyed))).body.result;
    expect(done).toMatchObject({ structuredContent: { paid: 700 } });
  }
  expect(here.paid()).toMatchObject([{ cents: 700 }]);
  const other = (await second.client("ada")(...call("desk_pay", { cents: 9 }, keyed))).body.result;
  expect(other).toMatchObject({ isError: true });
  expect(other.content[0].text).toMatch(/key is that of another call/);
});

test("an outcome that is unknown is looked up as the file says, and the client gets what was found", async () => {
  const here = place({}, seats);
  const { client } = await open(here);
  const done = (await client("ada")(...call("desk_book", { seat: "7a" }))).body.result;
  expect(done).toMatchObject({ structuredContent: { seat: "7a" } });
  expect(done.isError).toBeUndefined();
  expect(here.paid()).toEqual([{ seat: "7a" }]);
});

test("an operator says no, and nothing is paid", async () => {
  const here = place();
  const { client } = await open(here);
  const keyed = { _meta: { "remit/idempotencyKey": "invoice-8" } };
  await client("ada")(...call("desk_pay", { cents: 800 }, keyed));
  const ops = client("ops");
  const [{ address, binding }] = (await ops(...call("remit_approvals"))).body.result.structuredContent.waiting;
  await ops(...call("remit_reject", { address, binding, reason: "not ours" }));
  const ended = (await client("ada")(...call("desk_pay", { cents: 800 }, keyed))).body.result;
  expect(ended).toMatchObject({ isError: true });
  expect(ended.content[0].text).toContain("not ours");
  expect(here.paid()).toEqual([]);
});

test("an operator is shown the tool that is called, whatever the arguments call themselves, and nothing hidden in them", async () => {
  const here = place();
  const { client } = await open(here);
  await client("ada")(...call("desk_pay", { cents: 700, tool: "desk_draw", note: "harmless\u202e" }));
  const { waiting } = (await client("ops")(...call("remit_approvals"))).body.result.structuredContent;
  expect(waiting).toMatchObject([{ tool: "desk_pay", input: { tool: "desk_draw", note: "harmless\\u{202e}" } }]);
});

test("the person before a client decides where the file says so", async () => {
  const here = place({ approvals: { by: "client", as: "ada.lovelace" } });
  const { client } = await open(here);
  const ada = client("ada", asks);
  const asked = (await ada(...call("desk_pay", { cents: 5 }))).body.result;
  expect(asked.resultType).toBe("input_required");
  const [key] = Object.keys(asked.inputRequests);
  const answers = { [key as string]: { action: "accept", content: { decision: "approve", reason: "yes" } } };
  const more = { requestState: asked.requestState, inputResponses: answers };
  const done = (await ada(...call("desk_pay", { cents: 5 }, more))).body.result;
  expect(done).toMatchObject({ structuredContent: { paid: 5 } });
  expect(here.paid()).toHaveLength(1);
});

test("a client hears which arguments do not fit, and not what a server says to its operator when it dies", async () => {
  const here = place({}, { crash: { effect: "read" } });
  const { client } = await open(here);
  const ada = client("ada");
  const unfit = textOf((await ada(...call("desk_pay", { cents: "many" }))).body);
  expect(unfit).toContain("/cents");
  const gone = textOf((await ada(...call("desk_crash"))).body);
  expect(gone).toContain("mcp/connection-lost");
  expect(gone).not.toContain("4711");
});

test("what a server asks comes to the client of that call; what the file does not allow is refused", async () => {
  const { client } = await open(place());
  const ada = client("ada", asks);
  const asked = (await ada(...call("desk_name"))).body.result;
  expect(asked.resultType).toBe("input_required");
  const [key] = Object.keys(asked.inputRequests);
  const responses = { [key as string]: { action: "accept", content: { name: "Ada" } } };
  const answer = await ada(...call("desk_name", {}, { requestState: asked.requestState, inputResponses: responses }));
  expect(textOf(answer.body)).toBe("You are Ada.");
  // Another client with the state of the first gets nowhere.
  const again = (await ada(...call("desk_name"))).body.result;
  const stolen = await client(
    "ops",
    asks,
  )(...call("desk_name", {}, { requestState: again.requestState, inputResponses: responses }));
  expect(stolen.body.error).toBeDefined();
  expect((await ada(...call("desk_think"))).body.result.isError).toBe(true);
});

test("resources that are not named do not exist", async () => {
  const { client } = await open(place());
  const ada = client("ada");
  const listed = (await ada("resources/list")).body.result.resources;
  expect(listed.map(({ uri }: { uri: string }) => uri)).toEqual(["desk://rules"]);
  expect((await ada("resources/read", { uri: "desk://rules" })).body.result.contents[0].text).toBe(
    "text of desk://rules",
  );
  for (const uri of ["desk://secret", "desk://rules/../secret", "desk://rules%2f..%2fsecret"]) {
    expect((await ada("resources/read", { uri })).body.error).toBeDefined();
  }
});

test("of a server that nobody has accepted no resource exists either", async () => {
  const { client } = await open(place(), false);
  const ada = client("ada");
  expect((await ada("resources/list")).body.error).toBeDefined();
  expect((await ada("resources/read", { uri: "desk://rules" })).body.error).toBeDefined();
});

test("a client that listens for a resource hears of its changes", async () => {
  const { client } = await open(place());
  const stop = new AbortController();
  const heard = Promise.withResolvers<unknown>();
  const listening = client("ada")(
    "subscriptions/listen",
    { notifications: { resourceSubscriptions: ["desk://rules"] } },
    {
      signal: stop.signal,
      onMessage: ({ method, params }) => {
        if (method === "notifications/resources/updated") heard.resolve((params as { uri?: unknown }).uri);
      },
    },
  );
  listening.catch(heard.reject);
  expect(await heard.promise).toBe("desk://rules");
  listening.catch(() => {});
  stop.abort();
});

test("what keeps a client from what it is meant to have is told at the start", async () => {
  const here = place({ clients: { ben: { token: variable("BEN"), tools: ["desk_drow", "desk_draw"] } } });
  const { said } = await open(here);
  expect(said.filter((line) => line.startsWith("warning"))).toEqual([
    'warning: A client may call a tool that no server of this file has under that name. {"client":"ben","tool":"desk_drow"}',
    'warning: Calls of these tools wait for an operator, and no client is one ("operator": true). {"tools":["desk_pay"]}',
  ]);
});

test("a file of pins that cannot be read is told, and nothing waits to be accepted in it", async () => {
  const here = place();
  writeFileSync(join(here.folder, "mcp-pins.json"), "{");
  await expect(gateway(here.file, {}, context().context)).rejects.toMatchObject({ code: "mcp/pins-unreadable" });
});

test("a token that is none is told by its client; several clients on one pipe are nobody in particular", async () => {
  const { context: own } = context();
  const short = gateway(place().file, {}, { ...own, env: { ...own.env, BEN: "" } });
  await expect(short).rejects.toThrow("the token of the client ben has fewer than 16 characters");
  await expect(gateway(place({ listen: "stdio" }).file, {}, own)).rejects.toMatchObject({
    code: "mcp/serving-invalid",
    data: { reason: expect.stringContaining("3 are named") },
  });
});

test("clients that cannot be told apart, and a variable that is missing, are mistakes of the file", async () => {
  const { context: own } = context();
  const without = place({ clients: { ada: {}, ben: {} } });
  await expect(gateway(without.file, {}, own)).rejects.toMatchObject({ code: "mcp/serving-invalid" });
  const missing = { ...own, env: { ADA: tokens.ada } };
  await expect(gateway(place().file, {}, missing)).rejects.toMatchObject({
    code: "mcp/variable-missing",
    data: { variable: "BEN" },
  });
});
