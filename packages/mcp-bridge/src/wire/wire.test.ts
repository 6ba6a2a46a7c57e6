import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLogger, systemClock } from "@remit/core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { clientInfo } from "../client-info.ts";
import { defaultMcpLimits, type McpLimits } from "../limits.ts";
import { compileCache, isAlive } from "../testing/fixture.ts";
import { noted, type SdkHttpServer, sessionServer, statelessServer } from "../testing/sdk-server.ts";
import { http, type McpTransport, type StdioOptions, sse, stdio } from "../transport.ts";
import { openWire } from "./open-wire.ts";
import {
  type Wire,
  type WireAsks,
  WireError,
  type WireMethod,
  type WireNotice,
  type WireOptions,
  type WireProgress,
  type WireSession,
} from "./port.ts";
import { stdioChannel } from "./stdio.ts";
import { stopOf } from "./stop.ts";
import { wireV2Stdio } from "./v2-stdio.ts";

/** What every adapter promises of the port, over every way to a server there is. The servers are the SDKs' own. */

const clock = systemClock();
const script = fileURLToPath(new URL("../testing/sdk-server.ts", import.meta.url));
const cleanups: (() => unknown)[] = [];
const waiting = { timeout: 20_000 };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Place {
  readonly wire: Wire;
  readonly log: string;
  readonly server?: SdkHttpServer;
}

function logFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "remit-wire-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "log");
}

function wireTo(transport: McpTransport, more: Partial<McpLimits> = {}): Wire {
  const limits = { ...defaultMcpLimits, ...more };
  return openWire({ server: "sdk", transport, limits, clock, logger: silentLogger });
}

async function serving(start: (log: string) => Promise<SdkHttpServer>, transport: (url: string) => McpTransport) {
  const log = logFile();
  const server = await start(log);
  cleanups.push(server.close);
  return { wire: wireTo(transport(server.url)), log, server };
}

const sdk = (version: string, log: string, protocol: NonNullable<StdioOptions["protocol"]> = "legacy") =>
  stdio(process.execPath, [script, version, log], { protocol, env: compileCache() });
const places: { readonly [name: string]: () => Promise<Place> } = {
  "v1 over stdio": async () => {
    const log = logFile();
    return { wire: wireTo(sdk("v1", log)), log };
  },
  "v2 over stdio, sessions": async () => {
    const log = logFile();
    const transport = sdk("v1", log);
    const { messageBytes, closeGraceMs, inputRounds } = defaultMcpLimits;
    const open = stdioChannel({ server: "sdk", transport, messageBytes, closeGraceMs, clock, logger: silentLogger });
    return { wire: wireV2Stdio({ client: clientInfo, clock, inputRounds, open, era: "legacy" }), log };
  },
  "v2 over stdio, asked for its era, sessions": async () => {
    const log = logFile();
    return { wire: wireTo(sdk("v1", log, "auto")), log };
  },
  "v2 over stdio, stateless": async () => {
    const log = logFile();
    return { wire: wireTo(sdk("v2", log, "2026-07-28")), log };
  },
  "v2 over HTTP, sessions": () => serving(sessionServer, (url) => http({ url })),
  "v2 over HTTP, stateless": () => serving(statelessServer, (url) => http({ url })),
  "the elder HTTP": () =>
    serving(
      (log) => sessionServer(log, { sse: true }),
      (url) => sse({ url }),
    ),
  "the elder HTTP, found": () =>
    serving(
      (log) => sessionServer(log, { sse: true }),
      (url) => http({ url }),
    ),
};

interface Connected extends Place {
  readonly session: WireSession;
  readonly notices: readonly WireNotice[];
  readonly ask: (
    method: WireMethod,
    params?: object,
    more?: Partial<Parameters<WireSession["request"]>[2]>,
  ) => Promise<unknown>;
}

async function connected(place: Place, more: Partial<WireOptions> = {}): Promise<Connected> {
  const notices: WireNotice[] = [];
  const session = await place.wire.connect({
    signal: new AbortController().signal,
    noise: () => {},
    fault: () => {},
    notice: (notice) => notices.push(notice),
    ...more,
  });
  cleanups.push(session.close);
  const ask: Connected["ask"] = (method, params = {}, options = {}) =>
    session.request(method, { ...params }, { stop: stopOf(new AbortController().signal), ...options });
  return { ...place, session, notices, ask };
}

async function faultOf(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof WireError) return thrown.fault;
    throw thrown;
  }
  throw new Error("it did not fail");
}

const call = (name: string, input: object = {}) => ({ name, arguments: input });
const said = (value: unknown) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });

describe.each(Object.entries(places))("%s", (name, open) => {
  const modern = name.endsWith("stateless");

  test("a session begins, says who is there, and answers", async () => {
    const { session, ask } = await connected(await open());
    expect(session.peer).toMatchObject({
      name: "sdk",
      version: "1.0.0",
      protocolVersion: modern ? "2026-07-28" : "2025-11-25",
      capabilities: { tools: { listChanged: true } },
    });
    expect(await ask("tools/list")).toMatchObject({
      tools: expect.arrayContaining([{ name: "echo", description: "Tool echo.", inputSchema: expect.anything() }]),
    });
    expect(await ask("tools/call", call("echo", { text: "hi" }))).toMatchObject(said({ text: "hi" }));
    expect(await ask("resources/read", { uri: "test://a" })).toMatchObject({ contents: [{ text: "words" }] });
    expect(await ask("ping")).toEqual({});
    expect(await faultOf(ask("prompts/list"))).toMatchObject({ kind: "rejected", rpcCode: -32601 });
  });

  test("progress is told of the one request that asked for it", async () => {
    const { ask } = await connected(await open());
    const told: WireProgress[] = [];
    await ask("tools/call", call("progress"), { onProgress: (progress) => told.push(progress) });
    expect(told.map(({ progress }) => progress)).toEqual([1, 2, 3]);
    expect(await ask("tools/call", call("progress"))).toMatchObject(said("done"));
    expect(told).toHaveLength(3);
  });

  test("a request that is given up ends here at once, and at the server", async () => {
    const { ask, log } = await connected(await open());
    const controller = new AbortController();
    const slow = faultOf(ask("tools/call", call("slow"), { stop: stopOf(controller.signal) }));
    await vi.waitFor(() => expect(noted(log)).toContain("call slow"), waiting);
    controller.abort();
    expect(await slow).toEqual({ kind: "aborted" });
    await vi.waitFor(() => expect(noted(log)).toContain("cancelled slow"), waiting);
    expect(await ask("tools/call", call("echo", { text: "on" }))).toMatchObject(said({ text: "on" }));
  });

  test("what the server says unasked is heard", async () => {
    const { ask, notices, session } = await connected(await open());
    await ask("logging/setLevel", { level: "info" });
    if (!modern || session.processId === undefined) await ask("resources/subscribe", { uri: "test://a" });
    await ask("tools/call", call("log"));
    await vi.waitFor(
      () => expect(notices).toContainEqual({ kind: "log", level: "info", logger: undefined, data: "hello" }),
      waiting,
    );
    await vi.waitFor(async () => {
      await ask("tools/call", call("change"));
      expect(notices).toContainEqual({ kind: "list-changed", of: "tools" });
    }, waiting);
    if (!modern || session.processId === undefined) {
      await vi.waitFor(() => expect(notices).toContainEqual({ kind: "resource-updated", uri: "test://a" }), waiting);
    }
  });

  test("questions reach who answers them, with the tag of the request", async () => {
    const asked: unknown[] = [];
    const asks: WireAsks = {
      elicit: async (ask, { tag }) => {
        asked.push([ask.mode, ask.message, tag]);
        return ask.mode === "form" ? { action: "accept", content: { name: "Ada" } } : { action: "decline" };
      },
    };
    const { ask } = await connected(await open(), { asks });
    const answer = await ask("tools/call", call("form"), { tag: "t1" });
    expect(answer).toMatchObject(said({ action: "accept", content: { size: "m", name: "Ada" } }));
    expect(await ask("tools/call", call("page"), { tag: "t2" })).toMatchObject(said({ action: "decline" }));
    expect(asked).toEqual([
      ["form", "Who?", "t1"],
      ["url", "Pay.", "t2"],
    ]);
  });

  test("what nobody is there to answer is refused", async () => {
    const { ask } = await connected(await open());
    for (const tool of ["form", "sampling", "roots"]) {
      const answered = ask("tools/call", call(tool));
      // A server of the SDK does not even ask who has not declared it.
      if (modern)
        expect(await answered.catch((thrown: WireError) => thrown.fault.kind)).toMatch(/^(?:rejected|asked)$/);
      else expect(JSON.stringify(await answered)).toMatch(/refused|-32601/);
    }
  });

  test("nothing is left when it is closed, and what was under way is lost", async () => {
    const { ask, session, server, log } = await connected(await open());
    const slow = faultOf(ask("tools/call", call("slow")));
    await vi.waitFor(() => expect(noted(log)).toContain("call slow"), waiting);
    await session.close();
    expect(await slow).toMatchObject({ kind: "ended", end: { cause: "closed" } });
    expect(await session.ended).toMatchObject({ cause: "closed" });
    if (session.processId !== undefined) expect(isAlive(session.processId)).toBe(false);
    if (server) await vi.waitFor(async () => expect(await server.sockets()).toBe(0), waiting);
    expect(await faultOf(ask("tools/list"))).toMatchObject({ kind: "ended" });
  });

  test("an attempt that is given up leaves nothing", async () => {
    const place = await open();
    const signal = AbortSignal.abort();
    expect(await faultOf(connected(place, { signal }))).toMatchObject({ kind: "aborted" });
    if (place.server) await vi.waitFor(async () => expect(await place.server?.sockets()).toBe(0), waiting);
  });
});

test("a server that asks and asks is given up after as many rounds as it may have", async () => {
  const log = logFile();
  const server = await statelessServer(log);
  cleanups.push(server.close);
  const elicit: WireAsks["elicit"] = vi.fn(async () => ({ action: "accept" as const, content: {} }));
  const wire = wireTo(http({ url: server.url }), { inputRounds: 3 });
  const { ask } = await connected({ wire, log }, { asks: { elicit } });
  expect(await faultOf(ask("tools/call", call("insist")))).toEqual({ kind: "rounds", rounds: 3 });
  expect(elicit).toHaveBeenCalledTimes(3);
});

test("a session that is known no more is over, and took nothing", async () => {
  const place = await serving(sessionServer, (url) => http({ url }));
  const { ask, session } = await connected(place);
  place.server.forget();
  expect(await faultOf(ask("tools/call", call("echo")))).toMatchObject({ kind: "session-lost" });
  expect(await session.ended).toMatchObject({ cause: "forgotten" });
  expect(noted(place.log)).not.toContain("call echo");
});

test("a server that nobody listens for is unreachable", async () => {
  const { url, close } = await sessionServer(logFile());
  await close();
  expect(await faultOf(connected({ wire: wireTo(http({ url })), log: "" }))).toMatchObject({
    kind: "unreachable",
    reason: expect.stringContaining("ECONNREFUSED"),
  });
});
