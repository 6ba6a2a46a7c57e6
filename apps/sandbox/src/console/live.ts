import type { Clock } from "@remit/core";

/**
 * Server-sent events that say that something has changed, and nothing of what: whoever hears it asks again. The id of each
 * is a mark of what is stored, which every process makes alike, so that a browser that comes back (also to a server that
 * was started anew) says what it has seen, and is told at once when that is not how things stand.
 */
export interface LiveOptions {
  readonly clock: Clock;
  /** How things stand. A throw counts as no news: it is asked again. */
  readonly mark: () => Promise<string>;
  /** What the browser has seen last; absent: it has seen nothing. */
  readonly seen: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

const lookMs = 700;
/** After so long without news a word is sent, so that a connection that hangs is noticed. */
const aliveMs = 10_000;

export function liveStream({ clock, mark, seen, signal }: LiveOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = seen;
  let toldAt = clock.now();
  let timer: { readonly cancel: () => void } | undefined;
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const say = (text: string) => {
          toldAt = clock.now();
          controller.enqueue(encoder.encode(text));
        };
        const end = () => {
          if (isOver) return;
          isOver = true;
          timer?.cancel();
          controller.close();
        };
        const look = async () => {
          const now = await mark().catch(() => last);
          if (isOver) return;
          // Whoever does not read gets nothing more until they do: one word stands for all that has changed.
          const reads = (controller.desiredSize ?? 1) > 0;
          if (now !== undefined && now !== last && reads) {
            last = now;
            say(`event: changed\nid: ${now}\ndata: ${now}\n\n`);
          } else if (clock.now() - toldAt >= aliveMs && reads) say("event: alive\ndata:\n\n");
          timer = clock.at(clock.now() + lookMs, () => void look());
        };
        signal.addEventListener("abort", end, { once: true });
        if (signal.aborted) return end();
        say("retry: 1000\nevent: alive\ndata:\n\n");
        void look();
      },
      cancel: () => {
        isOver = true;
        timer?.cancel();
      },
    },
    new CountQueuingStrategy({ highWaterMark: 16 }),
  );
}
