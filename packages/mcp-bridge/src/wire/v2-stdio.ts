import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  type PriorDiscovery,
} from "@modelcontextprotocol/client";
import { capabilitiesOf } from "./asks.ts";
import type { Channel, ChannelEnd, ChannelListener, OpenChannel } from "./channel.ts";
import { type Wire, WireError, type WireOptions, type WireSession } from "./port.ts";
import { connectV2, type V2Era, type V2Options } from "./v2.ts";
import { modernVersion } from "./v2-faults.ts";
import { channelLine } from "./v2-line.ts";

/**
 * Processes, in either era. `auto` asks first which era it is (`server/discover`), in the same process: a server that
 * answers or is silent goes on in it, and only one that dies of the question is started again.
 */
export interface V2StdioOptions extends V2Options {
  readonly open: OpenChannel;
  readonly era: Extract<V2Era, string>;
}

/** How long a server may be silent about its era. */
const probeMs = 4_000;
/** How long it is remembered that a server is of the elder era: it may be replaced by one that is not. */
const verdictMs = 3_600_000;

export function wireV2Stdio(options: V2StdioOptions): Wire {
  let elderUntil = 0;
  return {
    connect: async (wireOptions) => {
      const { open, clock, era } = options;
      const plain = (as: V2Era, from: OpenChannel) =>
        connectV2(channelLine(from, wireOptions.noise), as, options, wireOptions);
      if (era !== "auto") return plain(era, open);
      if (clock.now() < elderUntil) return plain("legacy", open);
      const probed = await probe(options, wireOptions);
      if (probed.verdict === "modern") return plain(probed.prior, probed.open);
      const session: WireSession = await plain("legacy", probed.open);
      elderUntil = clock.now() + verdictMs;
      return session;
    },
  };
}

type Probed =
  | { readonly verdict: "modern"; readonly prior: PriorDiscovery; readonly open: OpenChannel }
  | { readonly verdict: "elder"; readonly open: OpenChannel };

/** Asks a process for its era. The channel that comes back is the one it was asked over, where it is still good. */
async function probe({ open, clock, client }: V2StdioOptions, { signal, noise, asks }: WireOptions): Promise<Probed> {
  const id = "remit-era";
  const told = Promise.withResolvers<{ readonly result?: unknown } | "ended" | "silent" | "aborted">();
  let listener: ChannelListener | undefined;
  let end: ChannelEnd | undefined;
  const channel = open({
    message: (message) => {
      if (listener) listener.message(message);
      else if (message.id === id) told.resolve({ result: message.result });
    },
    noise,
    end: (found) => {
      end = found;
      told.resolve("ended");
      listener?.end(found);
    },
  });
  const abort = () => told.resolve("aborted");
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = clock.at(clock.now() + probeMs, () => told.resolve("silent"));
  const meta = {
    [PROTOCOL_VERSION_META_KEY]: modernVersion,
    [CLIENT_INFO_META_KEY]: client,
    [CLIENT_CAPABILITIES_META_KEY]: capabilitiesOf(asks),
  };
  void channel.send({ jsonrpc: "2.0", id, method: "server/discover", params: { _meta: meta } });
  const answer = await told.promise;
  timer.cancel();
  signal.removeEventListener("abort", abort);
  if (answer === "aborted") {
    await channel.close();
    throw new WireError(end ? { kind: "aborted", end } : { kind: "aborted" });
  }
  // It did not even start: nothing else will come of a second try.
  if (end?.cause === "spawn-failed" || end?.cause === "overflow") throw new WireError({ kind: "ended", end });
  if (answer === "ended") {
    await channel.close();
    return { verdict: "elder", open };
  }
  const again = (next: ChannelListener): Channel => {
    listener = next;
    if (end) queueMicrotask(() => next.end(end as ChannelEnd));
    return channel;
  };
  if (answer === "silent") return { verdict: "elder", open: again };
  const { result } = answer;
  const versions = (result as { supportedVersions?: unknown } | undefined)?.supportedVersions;
  if (!Array.isArray(versions) || !versions.includes(modernVersion)) return { verdict: "elder", open: again };
  return { verdict: "modern", prior: { kind: "modern", discover: result } as PriorDiscovery, open: again };
}
