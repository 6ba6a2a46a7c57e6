import { expect, test } from "vitest";
import { playCycles } from "./cycles.ts";

/** `npm run soak -- --only mcp` plays many more, with the heap measured. */
const cycles = Number(process.env.REMIT_MCP_CYCLES ?? "50");

test("after many connections nothing is left: no process, no handle, no listener, and the heap is as it was", async () => {
  const { processesLeft, handlesLeft, listenersLeft, heapGrownBytes } = await playCycles(cycles);
  expect({ processesLeft, handlesLeft, listenersLeft }).toEqual({
    processesLeft: 0,
    handlesLeft: [],
    listenersLeft: 0,
  });
  // Without the collector the figure means nothing.
  if (heapGrownBytes !== undefined) expect(heapGrownBytes / 2 ** 20).toBeLessThan(24);
}, 3_600_000);
