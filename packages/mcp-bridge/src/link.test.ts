import { silentLogger } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { expect, test, vi } from "vitest";
import { McpError } from "./errors.ts";
import { defaultMcpLimits, type McpLimits } from "./limits.ts";
import { createLink, type LinkOptions } from "./link.ts";
import type { ChannelEnd } from "./wire/channel.ts";
import { WireError, type WireFault, type WireOptions, type WireSession } from "./wire/port.ts";

/** A link over a wire that does what the test says, in time that the test makes pass. */

type Request = Parameters<WireSession["request"]>;

interface FakeSession {
  readonly options: WireOptions;
  /** Requests but for the list, oldest first. */
  readonly asked: Request[];
  tools: readonly string[];
  list: () => Promise<unknown>;
  answer: (...request: Request) => Promise<unknown>;
  readonly end: (end: ChannelEnd) => void;
}

function world(limits: Partial<McpLimits> = {}, more: Partial<LinkOptions> = {}) {
  const clock = fakeClock();
  const sessions: FakeSession[] = [];
  let fault: WireFault | undefined;
  const wire: LinkOptions["wire"] = {
    connect: async (options) => {
      if (fault) throw new WireError(fault);
      const ending = Promise.withResolvers<ChannelEnd>();
      const session: FakeSession = {
        options,
        asked: [],
        tools: ["echo"],
        list: async () => ({ tools: session.tools.map((name) => ({ name, inputSchema: { type: "object" } })) }),
        answer: async () => ({ content: [] }),
        end: ending.resolve,
      };
      sessions.push(session);
      return {
        peer: {
          name: "fake",
          version: "1",
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          instructions: undefined,
        },
        processId: undefined,
        request: (...request) => {
          if (request[0] === "tools/list") return session.list();
          session.asked.push(request);
          return session.answer(...request);
        },
        objectionTo: () => undefined,
        ended: ending.promise,
        close: async () => ending.resolve({ cause: "closed", reason: "the connection was closed" }),
      };
    },
  };
  const link = createLink({
    server: "shop",
    target: "shop",
    wire,
    limits: { ...defaultMcpLimits, ...limits },
    clock,
    logger: silentLogger,
    inspect: () => new Map(),
    random: () => 0,
    ...more,
  });
  const call = (options: object = {}) =>
    link.call({ tool: "echo", remoteName: "echo", input: {}, meta: {}, timeoutMs: 1_000, signal: never, ...options });
  return { clock, link, sessions, call, down: (next: WireFault | undefined) => (fault = next) };
}

const never = new AbortController().signal;
const unreachable: WireFault = { kind: "unreachable", reason: "nobody listens" };
const lost: WireFault = { kind: "session-lost", end: { cause: "forgotten", reason: "404" } };
/** A list is read over a few turns of the event loop. */
const settled = async () => {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
};
const fails = (fault: WireFault) => async () => {
  throw new WireError(fault);
};

/** Lets all sessions answer like this, and refuses no tool. */
function answering(sessions: readonly FakeSession[], answer: FakeSession["answer"]): ReadonlyMap<string, McpError> {
  for (const session of sessions) session.answer = answer;
  return new Map();
}

async function failureOf(promise: Promise<unknown>): Promise<McpError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as McpError;
  }
  throw new Error("it did not fail");
}

test("K1 who is told that the session is not known any more is sent once more, in the next session", async () => {
  const { link, sessions, call } = world();
  await link.connect();
  sessions[0]!.answer = fails(lost);
  expect(await call()).toEqual({ content: [] });
  expect(sessions.map(({ asked }) => asked.length)).toEqual([1, 1]);
  expect(link.status()).toMatchObject({ state: "ready", connects: 2, failures: 0 });
});

test("K1 it is all the same where the session's end is heard of before the answer", async () => {
  const { link, sessions, call } = world();
  await link.connect();
  for (let nth = 0; nth < 3; nth++) {
    const session = sessions[nth]!;
    session.answer = async () => {
      session.end({ cause: "forgotten", reason: "404" });
      await settled();
      throw new WireError(lost);
    };
    expect(await call()).toEqual({ content: [] });
    expect(link.status()).toMatchObject({ state: "ready", connects: nth + 2, failures: 0, lastError: undefined });
  }
});

test("K1 it is sent no third time", async () => {
  const { link, sessions, call } = world({}, { inspect: () => answering(sessions, fails(lost)) });
  await link.connect();
  expect(await failureOf(call())).toMatchObject({ code: "mcp/session-lost", mayHaveExecuted: false });
  expect(sessions.map(({ asked }) => asked.length)).toEqual([1, 1]);
});

test("K4 a last look is taken before each time that a request is sent", async () => {
  const { link, sessions } = world();
  await link.connect();
  sessions[0]!.answer = fails(lost);
  let looks = 0;
  const check = () => {
    if (looks++ > 0) throw new McpError("mcp/closed", { server: "shop" });
  };
  const asked = link.request("resources/list", {}, { timeoutMs: 1_000, signal: never, check });
  expect(await failureOf(asked)).toMatchObject({ code: "mcp/closed" });
  expect(sessions.map(({ asked }) => asked.length)).toEqual([1, 0]);
});

const forgotten: WireFault = { kind: "ended", end: { cause: "forgotten", reason: "404" } };

test("K1 what was under way when another request was told so is sent once more where it changes nothing, and only there", async () => {
  const { link, sessions, call } = world();
  await link.connect();
  const [first] = sessions;
  const under = Promise.withResolvers<unknown>();
  first!.answer = async () => under.promise;
  const [read, write] = [call({ repeatable: true }), failureOf(call())];
  await settled();
  first!.answer = fails(lost);
  const told = call();
  under.reject(new WireError(forgotten));
  expect(await Promise.all([read, told])).toEqual([{ content: [] }, { content: [] }]);
  expect(await write).toMatchObject({ code: "mcp/connection-lost", mayHaveExecuted: true });
  expect(sessions.map(({ asked }) => asked.length)).toEqual([3, 2]);
  expect(link.status()).toMatchObject({ state: "ready", connects: 2, failures: 0, lastError: undefined });
});

test("K1 what changes nothing is sent no third time either, and not at all where a session ends for another reason", async () => {
  const repeatable = { repeatable: true };
  const { link, sessions, call } = world({}, { inspect: () => answering(sessions, fails(forgotten)) });
  await link.connect();
  expect(await failureOf(call(repeatable))).toMatchObject({ code: "mcp/connection-lost" });
  expect(sessions.map(({ asked }) => asked.length)).toEqual([1, 1]);
  const other = world();
  await other.link.connect();
  other.sessions[0]!.answer = fails({ kind: "ended", end: { cause: "exited", reason: "the process ended" } });
  expect(await failureOf(other.call(repeatable))).toMatchObject({ code: "mcp/connection-lost" });
  expect(other.sessions.flatMap(({ asked }) => asked)).toHaveLength(1);
});

test.each<[WireFault, string, boolean]>([
  [{ kind: "broken", reason: "reset" }, "mcp/connection-lost", true],
  [unreachable, "mcp/server-unavailable", false],
  [{ kind: "unauthorised", reason: "401", scope: "write" }, "mcp/auth-required", false],
  [{ kind: "http", status: 502, reason: "bad gateway" }, "mcp/call-failed", true],
  [{ kind: "http", status: 429, reason: "slow down" }, "mcp/call-rejected", false],
  [{ kind: "too-large", bytes: 11, limit: 10 }, "mcp/result-too-large", true],
  [{ kind: "rounds", rounds: 5 }, "mcp/input-rounds-exceeded", true],
  [{ kind: "asked", reason: "sampling" }, "mcp/input-refused", true],
  [{ kind: "malformed", reason: "text/html" }, "mcp/result-invalid", true],
  [{ kind: "ended", end: { cause: "exited", reason: "the process ended" } }, "mcp/connection-lost", true],
])("K2 %j is %s, and nothing is sent again", async (fault, code, mayHaveExecuted) => {
  const { link, sessions, call } = world();
  await link.connect();
  sessions[0]!.answer = fails(fault);
  expect(await failureOf(call())).toMatchObject({ code, mayHaveExecuted, data: { server: "shop" } });
  expect(sessions.flatMap(({ asked }) => asked)).toHaveLength(1);
});

test("K3 in the background it is tried again and again, ever less often, also after a first connection that failed", async () => {
  const { clock, link, sessions, call, down } = world({ backoffMs: 100, backoffMsMax: 1_000, breakerFailures: 100 });
  down(unreachable);
  link.start();
  const retries: (number | undefined)[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    clock.advance((link.status().retryAt ?? clock.now()) - clock.now());
    await settled();
    retries.push((link.status().retryAt ?? 0) - clock.now());
  }
  expect(retries).toEqual([0, 100, 200, 400, 800, 1_000]);
  expect(await failureOf(call())).toMatchObject({ code: "mcp/server-unavailable", data: { retryAfterMs: 1_000 } });
  down(undefined);
  clock.advance(1_000);
  await settled();
  expect(link.status()).toMatchObject({ state: "ready", connects: 1 });
  sessions[0]!.end({ cause: "exited", reason: "the process ended" });
  await settled();
  clock.advance(0);
  await settled();
  expect(link.status()).toMatchObject({ state: "down" });
  clock.advance(10_000);
  await settled();
  expect(link.status()).toMatchObject({ state: "ready", connects: 2 });
  await link.close();
  clock.advance(100_000);
  await settled();
  expect(sessions).toHaveLength(2);
});

test("K3 after too many failures in a row nobody connects for a while", async () => {
  const { clock, link, call, down } = world({ backoffMs: 1, breakerFailures: 3, breakerMs: 60_000 });
  down(unreachable);
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(await failureOf(call())).toMatchObject({ code: "mcp/connect-failed" });
    clock.advance(10);
  }
  expect(link.status()).toMatchObject({ state: "quarantined", failures: 3 });
  down(undefined);
  expect(await failureOf(call())).toMatchObject({ code: "mcp/server-quarantined", mayHaveExecuted: false });
  clock.advance(60_000);
  expect(await call()).toEqual({ content: [] });
  expect(link.status()).toMatchObject({ state: "ready", failures: 0 });
});

test("K4 a list that changes is read after a while, once for many words, and replaces the one before as a whole", async () => {
  const heard: string[][] = [];
  const { clock, link, sessions } = world({ refreshMs: 500 });
  link.onListingChange(({ listing }) => heard.push([...listing.definitions.keys()]));
  await link.connect();
  const [session] = sessions;
  const list = vi.fn(session!.list);
  session!.list = list;
  session!.tools = ["echo", "more"];
  for (let word = 0; word < 100; word++) session!.options.notice?.({ kind: "list-changed", of: "tools" });
  clock.advance(499);
  await settled();
  expect(list).not.toHaveBeenCalled();
  clock.advance(1);
  await settled();
  expect(list).toHaveBeenCalledTimes(1);
  expect(heard).toEqual([["echo"], ["echo", "more"]]);
  session!.list = async () => ({ tools: "many" });
  session!.options.notice?.({ kind: "list-changed", of: "tools" });
  clock.advance(500);
  await settled();
  expect(link.status().refreshError).toMatchObject({ code: "mcp/listing-failed" });
  expect([...(await link.ready()).listing.definitions.keys()]).toEqual(["echo", "more"]);
});

test("K5 what is too much is dropped, and a server that does not stop is quarantined", async () => {
  const { clock, link, sessions, call } = world({ noticeBurst: 10, noticesPerSecond: 1, noticesDroppedMax: 20 });
  const heard = vi.fn();
  link.onNotice(heard);
  await link.connect();
  const say = () => sessions[0]!.options.notice?.({ kind: "log", level: "info", logger: undefined, data: "x" });
  for (let word = 0; word < 20; word++) say();
  expect(heard).toHaveBeenCalledTimes(10);
  clock.advance(2_000);
  for (let word = 0; word < 3; word++) say();
  expect(heard).toHaveBeenCalledTimes(12);
  expect(link.status()).toMatchObject({ state: "ready", noticesDropped: 11 });
  for (let word = 0; word < 10; word++) say();
  expect(link.status()).toMatchObject({ state: "quarantined", noticesDropped: 21 });
  expect(await failureOf(call())).toMatchObject({ code: "mcp/server-quarantined" });
});

test("K5 a server that says too much while its list is looked at is not connected to", async () => {
  const limits = { noticeBurst: 1, noticesPerSecond: 1, noticesDroppedMax: 5 };
  const { link, sessions, call } = world(limits, {
    inspect: async () => {
      await settled();
      for (let word = 0; word < 10; word++) sessions[0]?.options.fault?.("nonsense");
      return new Map();
    },
  });
  expect(await failureOf(call())).toMatchObject({ code: "mcp/server-quarantined" });
  expect(link.status()).toMatchObject({ state: "quarantined", connects: 0 });
});

test("progress begins the silence anew, up to the most there is; the first is told at once, then now and then", async () => {
  const { clock, link, sessions, call } = world();
  await link.connect();
  const told: number[] = [];
  sessions[0]!.answer = (_, __, { stop }) =>
    new Promise((_resolve, reject) => {
      stop.listen(() => reject(new WireError({ kind: "aborted" })));
    });
  const calling = failureOf(
    call({ totalMsMax: 5_000, onProgress: ({ progress }: { progress: number }) => told.push(progress) }),
  );
  await settled();
  const onProgress = sessions[0]!.asked[0]![2].onProgress!;
  for (let step = 1; step <= 49; step++) {
    clock.advance(100);
    onProgress({ progress: step, total: undefined, message: undefined });
  }
  expect(told).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40, 43, 45, 48,
  ]);
  clock.advance(100);
  expect(await calling).toMatchObject({ code: "mcp/call-timeout" });
});

test("while somebody answers what a server asks in a call it is not silent; what it does then counts anew", async () => {
  const answer = Promise.withResolvers<{ readonly action: "accept" }>();
  const { clock, link, sessions, call } = world({}, { asks: { elicit: () => answer.promise } });
  await link.connect();
  sessions[0]!.answer = (_, __, { stop }) =>
    new Promise((_resolve, reject) => {
      stop.listen(() => reject(new WireError({ kind: "aborted" })));
    });
  const over: string[] = [];
  const calling = failureOf(call({ tag: "call-1" })).finally(() => over.push("asked"));
  const other = failureOf(call({ tag: "call-2" })).finally(() => over.push("other"));
  await settled();
  const ask = { mode: "url", message: "Sign in.", url: "https://a.test/", elicitationId: undefined } as const;
  const asked = sessions[0]!.options.asks?.elicit?.(ask, { signal: never, tag: "call-1" });
  clock.advance(60_000);
  expect(await other).toMatchObject({ code: "mcp/call-timeout" });
  expect(over).toEqual(["other"]);
  answer.resolve({ action: "accept" });
  await asked;
  clock.advance(999);
  await settled();
  expect(over).toEqual(["other"]);
  clock.advance(1);
  expect(await calling).toMatchObject({ code: "mcp/call-timeout", data: { timeoutMs: 1_000 } });
});

test("a server that is silent is given up after its time", async () => {
  const { clock, link, sessions, call } = world();
  await link.connect();
  sessions[0]!.answer = (_, __, { stop }) =>
    new Promise((_resolve, reject) => {
      stop.listen(() => reject(new WireError({ kind: "aborted" })));
    });
  const calling = failureOf(call());
  await settled();
  clock.advance(1_000);
  expect(await calling).toMatchObject({ code: "mcp/call-timeout", mayHaveExecuted: true, data: { timeoutMs: 1_000 } });
});

test("while a person is asked nothing is late", async () => {
  const { clock, link, sessions, call } = world();
  await link.connect();
  const answer = Promise.withResolvers<unknown>();
  sessions[0]!.answer = () => answer.promise;
  const calling = call();
  await settled();
  sessions[0]!.options.person?.(true);
  for (let step = 0; step < 10; step++) clock.advance(1_000);
  sessions[0]!.options.person?.(false);
  answer.resolve({ content: [] });
  expect(await calling).toEqual({ content: [] });
});
