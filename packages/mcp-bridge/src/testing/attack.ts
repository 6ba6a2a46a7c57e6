import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import { type AnyMcpConnection, type ConnectMcpOptions, connectMcp } from "../connect.ts";
import type { McpError } from "../errors.ts";
import type { McpToolConfigs } from "../tool-config.ts";
import { contextOf, type HostileFixture, hostileServer, isAlive } from "./fixture.ts";
import { patience } from "./patience.ts";

/** What the tests with hostile servers share. */

export const read = { effect: "read" } as const;
export const input = { text: "" };

export interface Hostile {
  readonly server: (mode: string, env?: Record<string, string>) => HostileFixture;
  readonly connected: <const Tools extends McpToolConfigs>(
    fixture: HostileFixture,
    tools: Tools,
    more?: Partial<ConnectMcpOptions<Tools>>,
  ) => ReturnType<typeof connectMcp<Tools>>;
  /**
   * Plays an attack beside a healthy server, and holds what holds in every one of them: the healthy server answers
   * throughout, the event loop is never taken for long, and memory stays bounded.
   */
  readonly besideHealthy: <Result>(attack: () => Promise<Result>) => Promise<Result>;
}

/**
 * Fixtures and connections of one file; after each test nothing of them is left. The healthy server is one for all
 * attacks of the file: it stands through them, and is gone at the end.
 */
export function hostileFixtures(): Hostile {
  const fixtures: HostileFixture[] = [];
  const connections: AnyMcpConnection[] = [];
  const good = hostileServer("good");
  const connectGood = () => connectMcp({ name: "healthy", transport: good.transport, tools: { echo: read } });
  let healthy: Awaited<ReturnType<typeof connectGood>>;
  let standing: readonly string[] = [];
  beforeAll(async () => {
    healthy = await connectGood();
    standing = handles();
  });
  afterAll(async () => {
    await healthy.close();
    expect(good.starts()).toHaveLength(1);
    expect(good.starts().filter(isAlive)).toEqual([]);
    good.remove();
    await vi.waitFor(() => expect(handles()).toEqual([]), patience);
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    for (const fixture of fixtures.splice(0)) {
      expect(fixture.starts().filter(isAlive)).toEqual([]);
      fixture.remove();
    }
    await vi.waitFor(() => expect(handles()).toEqual(standing), patience);
  });
  const server: Hostile["server"] = (mode, env = {}) => {
    const fixture = hostileServer(mode, { env });
    fixtures.push(fixture);
    return fixture;
  };
  const connected: Hostile["connected"] = async (fixture, tools, more = {}) => {
    const connection = await connectMcp({ name: "shop", transport: fixture.transport, tools, ...more });
    connections.push(connection);
    return connection;
  };
  return {
    server,
    connected,
    besideHealthy: async (attack) => {
      const probe = loopProbe();
      const before = process.memoryUsage().rss;
      let over = false;
      let asked = 0;
      const answering = (async () => {
        while (!over) {
          const text = `${asked++}`;
          expect(await healthy.tools.echo.execute({ text }, contextOf())).toEqual({ text });
          await pause(callGapMs); // So that the attack has the machine, and not its witness.
        }
      })();
      try {
        return await attack();
      } finally {
        over = true;
        await answering;
        expect(probe.stop()).toBeLessThan(blockMsMax);
        expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(memoryMbMax);
        expect(asked).toBeGreaterThan(0);
      }
    },
  };
}

/** Far above what is meant to be possible (100 ms), because a test must not fail of a slow machine. */
const blockMsMax = 1_500;
const memoryMbMax = 512;
const callGapMs = 2;

/** The longest time that this thread was at work without letting a timer fire, in milliseconds of processor time. */
function loopProbe(): { readonly stop: () => number } {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let last = spent();
  let longest = 0;
  const timer = setInterval(() => {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(longest, spent() - last);
    },
  };
}

/** Children and threads that are still there. */
function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap" || name === "Worker");
}

export async function failureOf(promise: unknown): Promise<McpError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as McpError;
  }
  throw new Error("it did not fail");
}
