import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One call as the world saw it. */
export interface WorldCall {
  readonly tenant: string;
  readonly runId: string;
  readonly id: string;
  readonly tool: string;
  readonly key: string;
  readonly attempt: number;
}

/** A call that waits for the test's word. */
export interface HeldCall {
  readonly call: WorldCall;
  /** Does the effect; the answer stays out. */
  readonly apply: () => void;
  readonly answer: () => void;
  /** Resolves when the caller has hung up. */
  readonly hungUp: Promise<void>;
}

/**
 * The outside, in the test's own process: it survives every kill, counts what reached it, does a write once per key,
 * and can hold a call until the test has done something nasty.
 */
export interface World extends AsyncDisposable {
  readonly address: string;
  readonly calls: readonly WorldCall[];
  /** The call that took effect, by key; later calls with the same key changed nothing. */
  readonly applied: ReadonlyMap<string, WorldCall>;
  /** Holds the next call that fits. */
  readonly hold: (fits: (call: WorldCall) => boolean) => Promise<HeldCall>;
  /** Looks at each call before it is answered. */
  onCall: (call: WorldCall) => Promise<void>;
}

export async function openWorld(): Promise<World> {
  const calls: WorldCall[] = [];
  const applied = new Map<string, WorldCall>();
  const holds: { fits: (call: WorldCall) => boolean; arrived: (held: HeldCall) => void }[] = [];

  const apply = (call: WorldCall): void => {
    if (call.key !== "" && !applied.has(call.key)) applied.set(call.key, call);
  };
  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const call = JSON.parse(body) as WorldCall;
    calls.push(call);
    const answer = (): void => {
      apply(call);
      response.end(`${call.tool} ${calls.length}`);
    };
    const at = holds.findIndex(({ fits }) => fits(call));
    const held = at < 0 ? undefined : holds.splice(at, 1)[0];
    await world.onCall(call);
    if (held === undefined) return answer();
    const hungUp = once(response, "close").then(() => {});
    held.arrived({ call, apply: () => apply(call), answer, hungUp });
  };
  const server = createServer((request, response) => {
    onRequest(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const world: World = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    applied,
    hold: (fits) => new Promise((arrived) => holds.push({ fits, arrived })),
    onCall: async () => {},
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
  return world;
}
