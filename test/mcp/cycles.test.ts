import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { playCycles } from "./cycles.ts";

/** `npm run soak -- --only mcp` plays many more. */
const cycles = Number(process.env.REMIT_MCP_CYCLES ?? "50");

test("after many connections nothing is left: no process, no handle, no listener, and the heap is as it was", async () => {
  // Without the collector the heap says nothing.
  setFlagsFromString("--expose-gc");
  Object.assign(globalThis, { gc: runInNewContext("gc") });
  const { processesLeft, handlesLeft, listenersLeft, heapGrownBytes } = await playCycles(cycles);
  expect({ processesLeft, handlesLeft, listenersLeft }).toEqual({
    processesLeft: 0,
    handlesLeft: [],
    listenersLeft: 0,
  });
  // A connection that is kept is 100 kB and more; what else comes and goes does not grow with them.
  expect((heapGrownBytes ?? 0) / 2 ** 20).toBeLessThan(2 + 0.02 * cycles);
}, 3_600_000);
