import type { Stream } from "./stream.ts";

/** Streams that are open, by id; the one that was not asked for the longest makes room. */
export interface Shelf<State> {
  readonly get: (name: string, open: () => Stream<State>) => Stream<State>;
}

/** @param most streams kept: what makes room loses its cached state only, and is read again */
export function streamShelf<State>(most: number): Shelf<State> {
  const streams = new Map<string, Stream<State>>();
  return {
    get: (name, open) => {
      const stream = streams.get(name) ?? open();
      // A Map keeps the order of insertion: put back, it is the newest.
      streams.delete(name);
      streams.set(name, stream);
      if (streams.size > most) {
        const [oldest] = streams.keys();
        if (oldest !== undefined) streams.delete(oldest);
      }
      return stream;
    },
  };
}
