import type { Clock, Logger } from "@remit/core";
import { createBucket } from "./bucket.ts";
import { coalesced } from "./coalesced.ts";
import { type Deadline, deadlineOf, unlessAborted } from "./deadline.ts";
import { McpError } from "./errors.ts";
import { heldAsks } from "./held-asks.ts";
import type { McpLimits } from "./limits.ts";
import { callError, connectError, quarantined, stderrOf, unavailable } from "./link-errors.ts";
import { type Listing, listTools } from "./listing.ts";
import { oneTimer } from "./one-timer.ts";
import { reconnects } from "./reconnects.ts";
import { visible } from "./text.ts";
import type { ChannelEnd } from "./wire/channel.ts";
import {
  type Wire,
  type WireAskable,
  type WireAsks,
  WireError,
  type WireMethod,
  type WireNotice,
  type WirePeer,
  type WireProgress,
  type WireSession,
} from "./wire/port.ts";

/**
 * One server, kept reachable.
 *
 * K1 A request is sent at most once, with one exception: who is told by the server that it does not know the session
 *    (404) has not been taken, and is sent once more in the next session. That ends whatever else was under way in the
 *    session: it may have been carried out, so of that only what changes nothing (`repeatable`) is sent once more, too.
 *    Nothing else that happens to a connection sends a request again.
 * K2 A request that was sent and has no answer fails with an error that says it may have been carried out.
 * K3 After a loss the next request connects again, or we do so in the background (`start`); at most one attempt at a
 *    time. Attempts that fail in a row wait longer and longer, with jitter, and requests meanwhile fail at once. After
 *    `breakerFailures` in a row without an answer to anything the server is quarantined for `breakerMs`. There is never
 *    a second process of a server.
 * K4 Every connection is listed and checked before its first request (`inspect`). A tool that does not pass is refused
 *    on this connection; the others work. A list that changes is read and checked as a whole, and replaces the one
 *    before as a whole; while it cannot be read, the one before stays.
 * K5 What a server says unasked is counted: what is too much is dropped, and a server that does not stop is quarantined.
 */
export interface Link {
  /** The first connection. @throws McpError, and nothing is left running then */
  readonly connect: (signal?: AbortSignal) => Promise<LinkReady>;
  /** Connects in the background, and again whenever it is needed, until it is closed. Never throws; see `status`. */
  readonly start: () => void;
  /**
   * The connection, as soon as there is one: the present one, or the attempt under way, or a new one where that may be
   * made. @throws McpError
   */
  readonly ready: () => Promise<LinkReady>;
  /**
   * One call of one tool. @returns the result as it came
   * @throws McpError; its `mayHaveExecuted` is false exactly when nothing was sent, or the server took nothing
   */
  readonly call: (call: LinkCall) => Promise<unknown>;
  /** Any other request, by the same rules. @returns the result as it came @throws McpError as `call` does */
  readonly request: (method: WireMethod, params: LinkParams, options: LinkRequestOptions) => Promise<unknown>;
  /** Reads and checks the list again, soon, where there is a connection: what is accepted may have changed. */
  readonly refresh: () => void;
  /** Hears of every list that is new: of a connection, or changed. Must not throw. Returns how not to hear it any more. */
  readonly onListingChange: (listener: (ready: LinkReady) => void) => () => void;
  /** Hears what the server says unasked, as far as there is room for it. Must not throw. */
  readonly onNotice: (listener: (notice: WireNotice) => void) => () => void;
  readonly status: () => LinkStatus;
  /** Ends the connection and the process. Requests under way fail. Idempotent. */
  readonly close: () => Promise<void>;
}

export type LinkParams = { readonly [key: string]: unknown };

export interface LinkReady {
  readonly session: WireSession;
  readonly listing: Listing;
  /** Tools that may not be called on this connection, by the server's name for them. */
  readonly refused: ReadonlyMap<string, McpError>;
}

export interface LinkRequestOptions {
  /** How long the server may be silent, connecting included. Progress begins it anew; while it waits for us it stands still. */
  readonly timeoutMs: number;
  /** However often it is begun anew; the limit `callMsMax` when absent. */
  readonly totalMsMax?: number;
  readonly signal: AbortSignal;
  /** It changes nothing at the server, so it may be sent once more where its session is forgotten before it is answered. */
  readonly repeatable?: boolean | undefined;
  /** Ours, given back with what the server asks in the course of it. */
  readonly tag?: string | undefined;
  /** What can be asked in the course of it, where the protocol lets us say so. */
  readonly can?: WireAskable | undefined;
  /** A last look before it is sent, each time that it is. When it throws, nothing is. @throws McpError */
  readonly check?: ((listing: Listing) => void) | undefined;
  /** The first few at once, then the last of several a quarter of a second. Must not throw. */
  readonly onProgress?: ((progress: WireProgress) => void) | undefined;
}

export interface LinkCall extends LinkRequestOptions {
  /** Our name and the server's name of the tool. */
  readonly tool: string;
  readonly remoteName: string;
  readonly input: unknown;
  readonly meta: { readonly [name: string]: string };
}

interface Exchange {
  readonly method: WireMethod;
  readonly params: LinkParams;
  /** What it is called in errors. */
  readonly name: string;
  /** Of the tool that is called, if one is. */
  readonly remoteName?: string;
  readonly check?: LinkCall["check"] | undefined;
}

export interface LinkStatus {
  /** `down`: the next request connects, not before `retryAt` (epoch ms). `quarantined`: nobody connects before then. */
  readonly state: "connecting" | "ready" | "down" | "quarantined" | "closed";
  readonly peer: WirePeer | undefined;
  readonly processId: number | undefined;
  /** Connections made so far, the first one included. */
  readonly connects: number;
  /** Losses and attempts that failed since a request was last answered. */
  readonly failures: number;
  readonly retryAt: number | undefined;
  readonly lastError: McpError | undefined;
  readonly refused: ReadonlyMap<string, McpError>;
  /** Lines on standard output that were no messages, over all connections. */
  readonly noiseLines: number;
  /** What the server said unasked and was too much, over all connections. */
  readonly noticesDropped: number;
  /** Why the list that the server says has changed could not be read; the one before is in force. */
  readonly refreshError: McpError | undefined;
}

export interface LinkOptions {
  readonly server: string;
  /** What it is reached by, for messages: its command or its address. */
  readonly target: string;
  readonly wire: Wire;
  readonly limits: McpLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Says which tools may not be called with a list that is new. */
  readonly inspect: (
    listing: Listing,
    peer: WirePeer,
  ) => ReadonlyMap<string, McpError> | Promise<ReadonlyMap<string, McpError>>;
  /** What the server may ask; nothing when absent. */
  readonly asks?: WireAsks;
  /** From 0 up to 1; how much shorter a wait becomes. */
  readonly random?: () => number;
}

const none: ReadonlyMap<string, McpError> = new Map();
const reasonMax = 2_000;
const progressMs = 250;
const progressBurst = 8;

export function createLink(options: LinkOptions): Link {
  const { server, target, wire, limits, clock, logger, inspect, asks, random = Math.random } = options;
  const closing = new AbortController();
  const timers = oneTimer(clock);
  const bucket = createBucket(clock, limits.noticeBurst, limits.noticesPerSecond);
  const deadlines = new Set<Deadline>();
  const tagged = new Map<string, Deadline>();
  const listingListeners = new Set<(ready: LinkReady) => void>();
  const noticeListeners = new Set<(notice: WireNotice) => void>();
  let current: LinkReady | undefined;
  let connecting: Promise<LinkReady> | undefined;
  let leaving: Promise<void> = Promise.resolve();
  let ending: Promise<void> | undefined;
  let connects = 0;
  let noiseLines = 0;
  let noticesDropped = 0;
  let lastError: McpError | undefined;
  let refreshing: Promise<void> | undefined;
  let refreshWanted = false;
  let refreshTimer: { readonly cancel: () => void } | undefined;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refreshError: McpError | undefined;

  const holding =
    asks &&
    heldAsks(asks, (tag) => {
      const found = tag === undefined ? [...tagged.values()] : [tagged.get(tag)];
      for (const held of found) held?.hold(true);
      return () => {
        for (const held of found) held?.hold(false);
      };
    });

  const retries = reconnects(clock, limits, random, () => {
    // Told by `failed`, which plans the next attempt.
    if (!current && !connecting && !closing.signal.aborted) void ready().catch(() => {});
  });

  const failed = (error: McpError) => {
    lastError = error;
    retries.failed();
    const failures = retries.failures();
    if (failures === limits.breakerFailures) logger.warn({ server, failures }, "MCP server is quarantined.");
  };

  const leave = (session: WireSession) => {
    if (current?.session !== session) return false;
    current = undefined;
    refreshTimer?.cancel();
    refreshTimer = undefined;
    refreshWanted = false;
    leaving = session.close();
    return !closing.signal.aborted;
  };

  const lost = (session: WireSession, end: ChannelEnd) => {
    // Heard of by the request that was told, and by the session's end, in either order.
    if (end.cause === "forgotten") return forgotten(session);
    if (!leave(session)) return;
    failed(unavailable(server, `it went away: ${visible(end.reason)}`, 0));
    logger.warn({ server, reason: end.reason, exitCode: end.exitCode, signal: end.signal }, "MCP server went away.");
  };

  /** The server has forgotten us and is there: that is no failure, and the next session can begin at once. */
  const forgotten = (session: WireSession) => {
    if (!leave(session)) return;
    retries.soon();
    logger.info({ server }, "MCP server does not know the session any more.");
  };

  const flooded = (session: WireSession | undefined) => {
    const error = quarantined(server, "it says more unasked than anybody can listen to", limits.breakerMs);
    if (session && !leave(session)) return;
    lastError = error;
    retries.quarantine();
    logger.warn({ server, noticesDropped }, "MCP server is quarantined: it says too much unasked.");
  };

  const attempt = async (signal?: AbortSignal): Promise<LinkReady> => {
    const flood = new AbortController();
    // One signal, made by hand: Node keeps what `AbortSignal.any` makes for as long as somebody listens, and the SDK does.
    const ends = [closing.signal, flood.signal];
    const deadline = deadlineOf(clock, limits.connectTimeoutMs, signal ? [signal, ...ends] : ends);
    deadlines.add(deadline);
    let session: WireSession | undefined;
    let dropped = 0;
    /** Whether there is room for one more. */
    const room = (): boolean => {
      if (bucket.take()) return true;
      noticesDropped++;
      if (++dropped === limits.noticesDroppedMax) {
        if (session && current?.session === session) flooded(session);
        else flood.abort(quarantined(server, "it says more unasked than anybody can listen to", limits.breakerMs));
      }
      return false;
    };
    try {
      session = await wire.connect({
        signal: deadline.signal(),
        noise: () => {
          if (noiseLines++ > 0) return;
          logger.warn({ server }, "MCP server writes other things than messages to standard output; they are dropped.");
        },
        fault: (reason) => {
          if (!room()) return;
          logger.debug({ server, reason: visible(reason.slice(0, reasonMax)) }, "MCP protocol fault.");
        },
        notice: (notice) => {
          if (!room()) return;
          if (notice.kind === "list-changed" && notice.of === "tools") wantRefresh(session);
          for (const listener of noticeListeners) listener(notice);
        },
        person: (waiting) => {
          for (const held of deadlines) held.hold(waiting);
        },
        ...(holding ? { asks: holding } : {}),
      });
      rooms.set(session, room);
      const listing = await listTools(session, limits, deadline.signal());
      const found: LinkReady = { session, listing, refused: await inspect(listing, session.peer) };
      flood.signal.throwIfAborted();
      connects++;
      return found;
    } catch (thrown) {
      await session?.close();
      const end = await session?.ended;
      if (closing.signal.aborted) throw new McpError("mcp/closed", { server }, { cause: thrown });
      if (flood.signal.aborted) throw flood.signal.reason;
      if (deadline.timedOut()) {
        const data = { server, timeoutMs: limits.connectTimeoutMs, stderr: stderrOf(thrown, end) };
        throw new McpError("mcp/connect-timeout", data, { cause: thrown });
      }
      if (signal?.aborted) throw new McpError("mcp/connect-cancelled", { server }, { cause: thrown });
      throw connectError({ server, target, listed: session !== undefined }, thrown);
    } finally {
      deadlines.delete(deadline);
      deadline.cancel();
    }
  };
  /** Whether there is room for one more word of the server, by its session. */
  const rooms = new WeakMap<WireSession, () => boolean>();

  const install = (found: LinkReady): LinkReady => {
    current = found;
    refreshedAt = clock.now();
    refreshError = undefined;
    void found.session.ended.then((end) => lost(found.session, end));
    for (const listener of listingListeners) listener(found);
    return found;
  };

  const wantRefresh = (session: WireSession | undefined) => {
    if (!session || current?.session !== session || closing.signal.aborted) return;
    refreshWanted = true;
    if (refreshing || refreshTimer) return;
    refreshTimer = clock.at(Math.max(clock.now(), refreshedAt + limits.refreshMs), () => {
      refreshTimer = undefined;
      refreshing = refresh(session).finally(() => {
        refreshing = undefined;
        if (refreshWanted) wantRefresh(session);
      });
    });
  };

  const refresh = async (session: WireSession): Promise<void> => {
    refreshWanted = false;
    const deadline = deadlineOf(clock, limits.connectTimeoutMs, [closing.signal]);
    try {
      const listing = await listTools(session, limits, deadline.signal());
      if (current?.session !== session) return;
      const refused = await inspect(listing, session.peer);
      if (current?.session !== session) return;
      current = { session, listing, refused };
      refreshError = undefined;
      for (const listener of listingListeners) listener(current);
    } catch (thrown) {
      if (current?.session !== session || closing.signal.aborted) return;
      refreshError = deadline.timedOut()
        ? new McpError("mcp/listing-failed", { server, reason: "it took too long" }, { cause: thrown })
        : connectError({ server, target, listed: true }, thrown);
      logger.warn({ server, code: refreshError.code }, "MCP server has changed its list, and it could not be read.");
    } finally {
      deadline.cancel();
      refreshedAt = clock.now();
    }
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
      logger.info({ server, connects }, "MCP server is reachable.");
      return found;
    } catch (thrown) {
      if (McpError.is(thrown, "mcp/server-quarantined")) flooded(undefined);
      else if (McpError.is(thrown) && !closing.signal.aborted) failed(thrown);
      throw thrown;
    }
  };

  const ready = (): Promise<LinkReady> => {
    if (closing.signal.aborted) return Promise.reject(new McpError("mcp/closed", { server }));
    if (current) return Promise.resolve(current);
    if (connecting) return connecting;
    const waitMs = retries.retryAt() - clock.now();
    if (waitMs <= 0) return begin(reconnect());
    const reason = lastError?.message ?? "it went away";
    return Promise.reject((retries.isQuarantined() ? quarantined : unavailable)(server, reason, waitMs));
  };

  /** What a request that failed says of its session. True when it may be sent once more (K1). */
  const heardOf = (session: WireSession, thrown: unknown, repeatable: boolean): boolean => {
    if (!(thrown instanceof WireError)) return false;
    const { fault } = thrown;
    if (fault.kind === "unreachable") lost(session, { cause: "lost", reason: fault.reason });
    if (fault.kind === "broken") wantRefresh(session); // Whoever answers now may be another one.
    const ended = fault.kind === "session-lost" || (fault.kind === "ended" && fault.end.cause === "forgotten");
    if (!ended) return false;
    lost(session, fault.end);
    return fault.kind === "session-lost" || repeatable;
  };

  const exchange = async (
    { method, params, name, remoteName, check }: Exchange,
    { timeoutMs, totalMsMax = limits.callMsMax, signal, repeatable = false, tag, can, onProgress }: LinkRequestOptions,
  ): Promise<unknown> => {
    const deadline = deadlineOf(timers, timeoutMs, [signal], { totalMsMax: Math.max(timeoutMs, totalMsMax) });
    deadlines.add(deadline);
    if (tag !== undefined) tagged.set(tag, deadline);
    const progress = onProgress && coalesced(clock, { intervalMs: progressMs, burst: progressBurst }, onProgress);
    let sent = false;
    try {
      for (let isFirst = true; ; isFirst = false) {
        const { session, refused, listing } = current ?? (await unlessAborted(ready(), deadline.signal()));
        const refusal = remoteName === undefined ? undefined : refused.get(remoteName);
        if (refusal) throw refusal;
        check?.(listing);
        if (deadline.stopped()) throw deadline.reason();
        sent = true;
        try {
          const answer = await session.request(method, params, {
            stop: deadline,
            tag,
            can,
            onProgress: (value) => {
              deadline.renew();
              if (rooms.get(session)?.() !== false) progress?.push(value);
            },
          });
          retries.answered();
          return answer;
        } catch (thrown) {
          if (!heardOf(session, thrown, repeatable) || !isFirst) throw thrown;
          sent = false;
        }
      }
    } catch (thrown) {
      if (McpError.is(thrown)) throw thrown;
      if (thrown instanceof WireError && thrown.fault.kind === "rejected") retries.answered();
      if (!sent) {
        const reason = deadline.timedOut() ? `${deadline.overMs()} ms were over` : "it was cancelled";
        throw new McpError("mcp/call-not-sent", { server, tool: name, reason }, { cause: thrown });
      }
      throw callError({ server, tool: name, timeoutMs: deadline.overMs(), timedOut: deadline.timedOut() }, thrown);
    } finally {
      progress?.cancel();
      deadlines.delete(deadline);
      if (tag !== undefined) tagged.delete(tag);
      deadline.cancel();
    }
  };

  const listen = <Listener>(listeners: Set<Listener>, listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  const state = (): LinkStatus["state"] => {
    if (closing.signal.aborted) return "closed";
    if (current) return "ready";
    if (connecting) return "connecting";
    return retries.isQuarantined() && retries.retryAt() > clock.now() ? "quarantined" : "down";
  };

  return {
    connect: (signal) => begin(attempt(signal).then(install)),
    start: () => {
      if (closing.signal.aborted || !retries.begin()) return;
      if (!current && !connecting) retries.plan();
    },
    ready,
    call: (call) => {
      const { tool: name, remoteName, input, meta, check } = call;
      const params = { name: remoteName, arguments: input, _meta: meta };
      return exchange({ method: "tools/call", params, name, remoteName, check }, call);
    },
    request: (method, params, options) => exchange({ method, params, name: method, check: options.check }, options),
    refresh: () => wantRefresh(current?.session),
    onListingChange: (listener) => listen(listingListeners, listener),
    onNotice: (listener) => listen(noticeListeners, listener),
    status: () => ({
      state: state(),
      peer: current?.session.peer,
      processId: current?.session.processId,
      connects,
      failures: retries.failures(),
      retryAt: current || connecting || closing.signal.aborted ? undefined : retries.retryAt(),
      lastError,
      refused: current?.refused ?? none,
      noiseLines,
      noticesDropped,
      refreshError,
    }),
    close: () => {
      ending ??= (async () => {
        closing.abort(new Error("the connection is being closed"));
        retries.rest();
        refreshTimer?.cancel();
        await Promise.allSettled([connecting, refreshing]);
        await Promise.all([leaving, current?.session.close()]);
        timers.rest();
      })();
      return ending;
    },
  };
}
