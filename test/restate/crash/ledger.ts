import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Effect } from "./team.ts";

/**
 * The outside, in the test's own process: it survives every kill and counts what really happened. A write takes a while, in
 * the middle of which it takes effect, so a crash falls before, between and behind.
 */
export interface Ledger {
  readonly address: string;
  /** How often each write took effect, by `run/write`. */
  readonly applied: ReadonlyMap<string, number>;
  /** Requests that came, those included that changed nothing. */
  readonly requests: () => number;
  /** What a person does with an uncertain write: sees that it cannot come in any more, and does it by hand if it never did. */
  readonly byHand: (run: string, write: number) => void;
  readonly close: () => Promise<void>;
}

const halfMs = 15;

export async function openLedger(): Promise<Ledger> {
  const applied = new Map<string, number>();
  const keys = new Set<string>();
  /** Up to which attempt a write is refused: somebody was told that it never happened. */
  const fenced = new Map<string, number>();
  let requests = 0;
  const nameOf = ({ run, write }: Pick<Effect, "run" | "write">) => `${run}/${write}`;

  const apply = async (effect: Effect): Promise<boolean> => {
    requests++;
    await pause(halfMs);
    const name = nameOf(effect);
    if (effect.attempt <= (fenced.get(name) ?? 0)) return false;
    // Whose interface takes keys does a thing once; the others do it whenever they are asked.
    if (effect.kind !== "key" || !keys.has(effect.key)) applied.set(name, (applied.get(name) ?? 0) + 1);
    if (effect.kind === "key") keys.add(effect.key);
    await pause(halfMs);
    return true;
  };
  const settle = (run: string, write: number, attempt: number): boolean => {
    const name = nameOf({ run, write });
    if (applied.has(name)) return true;
    fenced.set(name, attempt);
    return false;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const effect = JSON.parse(body) as Effect;
    if (request.url === "/look") response.end(settle(effect.run, effect.write, effect.attempt) ? "found" : "never");
    else if (await apply(effect)) response.end("done");
    else response.writeHead(409).end("fenced");
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    applied,
    requests: () => requests,
    byHand: (run, write) => {
      if (!settle(run, write, Number.POSITIVE_INFINITY)) applied.set(nameOf({ run, write }), 1);
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
