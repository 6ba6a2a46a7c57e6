import type { Clock } from "@remit/core";
import type { PinDocument, PinStore } from "../pin-store.ts";

const everyMs = 1_000;

/**
 * Tells when what people have accepted is another document than before, also when it cannot be read any more. A store gives
 * the same document as long as it has not changed.
 * @param changed must not throw
 * @returns how to end it
 */
export function watchPins(pins: PinStore, clock: Clock, changed: () => void): () => void {
  let ended = false;
  let known: PinDocument | undefined;
  let timer: { readonly cancel: () => void } | undefined;
  // Why it cannot be read is told by whoever needs it.
  const read = () => pins.read().catch(() => undefined);
  const look = async (first: boolean) => {
    const found = await read();
    if (ended) return;
    const isNew = found !== known;
    known = found;
    if (isNew && !first) changed();
    timer = clock.at(clock.now() + everyMs, () => void look(false));
  };
  void look(true);
  return () => {
    ended = true;
    timer?.cancel();
  };
}
