import { connectMcp } from "@remit/mcp-bridge";
import { contextOf, hostileServer, isAlive } from "../../packages/mcp-bridge/src/testing/fixture.ts";

export interface CyclesReport {
  readonly processesLeft: number;
  /** More handles of the event loop than before, by their kind. */
  readonly handlesLeft: readonly string[];
  readonly listenersLeft: number;
  /** How much more of the heap is in use than after the first cycles; `undefined` where the collector cannot be asked. */
  readonly heapGrownBytes: number | undefined;
}

/** Connects, calls once and closes, again and again, and says what is left of it. */
export async function playCycles(cycles: number, { atOnce = 4 } = {}): Promise<CyclesReport> {
  const fixture = hostileServer("good");
  const collect = (globalThis as { readonly gc?: () => void }).gc;
  let made = 0;
  const one = async () => {
    const tools = { echo: { effect: "read" }, doubled: { effect: "read" } } as const;
    const limits = { checkMs: 20_000 };
    const connection = await connectMcp({ name: "cycle", transport: fixture.transport, tools, limits });
    await connection.tools.echo.execute({ text: "x" }, contextOf());
    // A thread that checks belongs to a connection, too.
    if (made++ % 10 === 0) await connection.tools.doubled.execute({ text: "xx" }, contextOf());
    await connection.close();
  };
  const several = async (count: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  };
  const heap = () => {
    collect?.();
    return process.memoryUsage().heapUsed;
  };
  try {
    await several(Math.min(cycles, 10)); // The first ones load what is loaded late.
    const handles = kinds();
    const listeners = listenersOf();
    const heapBefore = heap();
    await several(cycles);
    await new Promise(setImmediate);
    const before = [...handles];
    const handlesLeft = kinds().filter((kind) => {
      const found = before.indexOf(kind);
      if (found !== -1) before.splice(found, 1);
      return found === -1;
    });
    return {
      processesLeft: fixture.starts().filter(isAlive).length,
      handlesLeft,
      listenersLeft: listenersOf() - listeners,
      heapGrownBytes: collect ? heap() - heapBefore : undefined,
    };
  } finally {
    fixture.remove();
  }
}

/** Timers come and go with whoever runs the test. */
function kinds(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !["Timeout", "Immediate", "TTYWrap"].includes(kind));
}

function listenersOf(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}
