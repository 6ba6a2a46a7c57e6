import type { Clock, Logger } from "@remit/core";
import { deadlineOf, unlessAborted } from "./deadline.ts";
import { McpError } from "./errors.ts";
import type { McpLimits } from "./limits.ts";
import { callError, connectError, stderrOf, unavailable } from "./link-errors.ts";
import { type Listing, listTools } from "./listing.ts";
import { visible } from "./text.ts";
import type { ChannelEnd, OpenChannel } from "./wire/channel.ts";
import { type Wire, WireError, type WirePeer, type WireSession } from "./wire/port.ts";

/**
 * One server, kept reachable.
 *
 * K1 A call is sent at most once. What happens to the connection afterwards never sends it again.
 * K2 A call that was sent and has no answer fails with an error that says it may have been carried out.
 * K3 After a loss the next call connects again, at most one attempt at a time; attempts that fail in a row wait longer
 *    and longer, and calls meanwhile fail at once. There is never a second process of a server.
 * K4 Every connection is listed and checked before its first call (`inspect`). A tool that does not pass is refused on
 *    this connection; the others work.
 */
export interface Link {
  /** The first connection. @throws McpError, and nothing is left running then */
  readonly connect: (signal?: AbortSignal) => Promise<LinkReady>;
  /**
   * One call of one tool. @returns the result as it came
   * @throws McpError; its `mayHaveExecuted` is false exactly when nothing was sent, or the server took nothing
   */
  readonly call: (call: LinkCall) => Promise<unknown>;
  readonly status: () => LinkStatus;
  /** Ends the connection and the process. Calls under way fail. Idempotent. */
  readonly close: () => Promise<void>;
}

export interface LinkReady {
  readonly session: WireSession;
  readonly listing: Listing;
  /** Tools that may not be called on this connection, by the server's name for them. */
  readonly refused: ReadonlyMap<string, McpError>;
}

export interface LinkCall {
  /** Our name and the server's name of the tool. */
  readonly tool: string;
  readonly remoteName: string;
  readonly input: unknown;
  readonly meta: { readonly [name: string]: string };
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A last look before it is sent. When it throws, nothing is. @throws McpError */
  readonly check?: (listing: Listing) => void;
}

export interface LinkStatus {
  /** `down`: the next call connects, not before `retryAt` (epoch ms). */
  readonly state: "connecting" | "ready" | "down" | "closed";
  readonly peer: WirePeer | undefined;
  readonly processId: number | undefined;
  /** Connections made so far, the first one included. */
  readonly connects: number;
  /** Losses and attempts that failed since a call was last answered. */
  readonly failures: number;
  readonly retryAt: number | undefined;
  readonly lastError: McpError | undefined;
  readonly refused: ReadonlyMap<string, McpError>;
  /** Lines on standard output that were no messages, over all connections. */
  readonly noiseLines: number;
}

export interface LinkOptions {
  readonly server: string;
  /** What it is reached by, for messages: its command. */
  readonly target: string;
  readonly open: OpenChannel;
  readonly wire: Wire;
  readonly limits: McpLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Says which tools may not be called on a new connection. */
  readonly inspect: (
    listing: Listing,
    peer: WirePeer,
  ) => ReadonlyMap<string, McpError> | Promise<ReadonlyMap<string, McpError>>;
}

const none: ReadonlyMap<string, McpError> = new Map();
const reasonMax = 2_000;

export function createLink({ server, target, open, wire, limits, clock, logger, inspect }: LinkOptions): Link {
  const closing = new AbortController();
  let current: LinkReady | undefined;
  let connecting: Promise<LinkReady> | undefined;
  let leaving: Promise<void> = Promise.resolve();
  let ending: Promise<void> | undefined;
  let connects = 0;
  let failures = 0;
  let retryAt = 0;
  let noiseLines = 0;
  let lastError: McpError | undefined;

  const failed = (error: McpError) => {
    lastError = error;
    failures++;
    // The first attempt after a loss is made at once.
    const waitMs =
      failures === 1 ? 0 : Math.min(limits.backoffMs * 2 ** Math.min(failures - 2, 30), limits.backoffMsMax);
    retryAt = clock.now() + waitMs;
  };

  const lost = (session: WireSession, end: ChannelEnd) => {
    if (current?.session !== session) return;
    current = undefined;
    leaving = session.close();
    if (closing.signal.aborted) return;
    failed(unavailable(server, `it went away: ${end.reason}`, 0));
    logger.warn({ server, reason: end.reason, exitCode: end.exitCode, signal: end.signal }, "MCP server went away.");
  };

  const attempt = async (signal?: AbortSignal): Promise<LinkReady> => {
    const deadline = deadlineOf(clock, limits.connectTimeoutMs, signal ? [signal, closing.signal] : [closing.signal]);
    let session: WireSession | undefined;
    try {
      session = await wire.connect(open, {
        signal: deadline.signal,
        noise: () => {
          if (noiseLines++ > 0) return;
          logger.warn({ server }, "MCP server writes other things than messages to standard output; they are dropped.");
        },
        fault: (reason) => logger.debug({ server, reason: visible(reason.slice(0, reasonMax)) }, "MCP protocol fault."),
      });
      const listing = await listTools(session, limits, deadline.signal);
      const ready: LinkReady = { session, listing, refused: await inspect(listing, session.peer) };
      connects++;
      return ready;
    } catch (thrown) {
      await session?.close();
      const end = await session?.ended;
      if (closing.signal.aborted) throw new McpError("mcp/closed", { server }, { cause: thrown });
      if (deadline.timedOut()) {
        const data = { server, timeoutMs: limits.connectTimeoutMs, stderr: stderrOf(thrown, end) };
        throw new McpError("mcp/connect-timeout", data, { cause: thrown });
      }
      if (signal?.aborted) throw new McpError("mcp/connect-cancelled", { server }, { cause: thrown });
      throw connectError({ server, target, listed: session !== undefined }, thrown);
    } finally {
      deadline.cancel();
    }
  };

  const install = (ready: LinkReady): LinkReady => {
    current = ready;
    void ready.session.ended.then((end) => lost(ready.session, end));
    return ready;
  };

  const begin = (attempting: Promise<LinkReady>): Promise<LinkReady> => {
    connecting = attempting.finally(() => {
      connecting = undefined;
    });
    return connecting;
  };

  const reconnect = async (): Promise<LinkReady> => {
    await leaving; // Two processes of one server might work against each other.
    try {
      const found = install(await attempt());
      logger.info({ server, connects }, "MCP server is reachable again.");
      return found;
    } catch (thrown) {
      if (McpError.is(thrown)) failed(thrown);
      throw thrown;
    }
  };

  const ready = (): Promise<LinkReady> => {
    if (closing.signal.aborted) return Promise.reject(new McpError("mcp/closed", { server }));
    if (current) return Promise.resolve(current);
    if (connecting) return connecting;
    const waitMs = retryAt - clock.now();
    if (waitMs <= 0) return begin(reconnect());
    return Promise.reject(unavailable(server, lastError?.message ?? "it went away", waitMs));
  };

  const call = async ({ tool, remoteName, input, meta, timeoutMs, signal, check }: LinkCall): Promise<unknown> => {
    const deadline = deadlineOf(clock, timeoutMs, [signal]);
    let sent = false;
    try {
      const { session, refused, listing } = await unlessAborted(ready(), deadline.signal);
      const refusal = refused.get(remoteName);
      if (refusal) throw refusal;
      check?.(listing);
      deadline.signal.throwIfAborted();
      sent = true;
      const params = { name: remoteName, arguments: input, _meta: meta };
      const answer = await session.request("tools/call", params, { signal: deadline.signal });
      failures = 0;
      return answer;
    } catch (thrown) {
      if (McpError.is(thrown)) throw thrown;
      if (thrown instanceof WireError && thrown.fault.kind === "rejected") failures = 0;
      if (!sent) {
        const reason = deadline.timedOut() ? `${timeoutMs} ms were over` : "it was cancelled";
        throw new McpError("mcp/call-not-sent", { server, tool, reason }, { cause: thrown });
      }
      throw callError({ server, tool, timeoutMs, timedOut: deadline.timedOut() }, thrown);
    } finally {
      deadline.cancel();
    }
  };

  return {
    connect: (signal) => begin(attempt(signal).then(install)),
    call,
    status: () => ({
      state: closing.signal.aborted ? "closed" : current ? "ready" : connecting ? "connecting" : "down",
      peer: current?.session.peer,
      processId: current?.session.processId,
      connects,
      failures,
      retryAt: current || connecting || closing.signal.aborted ? undefined : retryAt,
      lastError,
      refused: current?.refused ?? none,
      noiseLines,
    }),
    close: () => {
      ending ??= (async () => {
        closing.abort(new Error("the connection is being closed"));
        await Promise.allSettled([connecting]);
        await Promise.all([leaving, current?.session.close()]);
      })();
      return ending;
    },
  };
}
