import type { Clock } from "@remit/core";
import { clientKey, type McpClient } from "./mcp-client.ts";

/** Counts what each client uses. */
export interface ClientBudgets {
  /** Begins one call: a function that ends it, or why it may not begin. Nothing is counted for a call that may not. */
  readonly begin: (client: McpClient) => (() => void) | BudgetRefusal;
}

export interface BudgetRefusal {
  readonly limit: "callsPerMinute" | "concurrentCalls" | "calls";
  readonly bound: number;
  /** Milliseconds after which it may be tried again, where time alone helps. */
  readonly retryAfterMs?: number;
}

interface Used {
  /** Times of the calls of the last minute, the oldest first. */
  readonly begun: number[];
  underWay: number;
  total: number;
}

const minuteMs = 60_000;
/** Clients that are remembered; beyond it those that have used nothing lately, and have no bound for all time, are forgotten. */
const clientsMost = 10_000;

export function clientBudgets(clock: Clock): ClientBudgets {
  const byClient = new Map<string, Used & { keep: boolean }>();
  const tidy = () => {
    if (byClient.size < clientsMost) return;
    for (const [key, { begun, underWay, keep }] of byClient) {
      if (!keep && underWay === 0 && (begun.at(-1) ?? 0) <= clock.now() - minuteMs) byClient.delete(key);
    }
  };
  return {
    begin: (client) => {
      const { budget } = client;
      if (!budget) return () => {};
      const key = clientKey(client);
      const now = clock.now();
      if (!byClient.has(key)) tidy();
      const used = byClient.get(key) ?? { begun: [], underWay: 0, total: 0, keep: budget.calls !== undefined };
      const { callsPerMinute, concurrentCalls, calls } = budget;
      if (calls !== undefined && used.total >= calls) return { limit: "calls", bound: calls };
      if (concurrentCalls !== undefined && used.underWay >= concurrentCalls) {
        return { limit: "concurrentCalls", bound: concurrentCalls };
      }
      while (used.begun[0] !== undefined && used.begun[0] <= now - minuteMs) used.begun.shift();
      if (callsPerMinute !== undefined) {
        const oldest = used.begun[used.begun.length - callsPerMinute];
        if (callsPerMinute === 0) return { limit: "callsPerMinute", bound: 0 };
        if (oldest !== undefined) {
          return { limit: "callsPerMinute", bound: callsPerMinute, retryAfterMs: oldest + minuteMs - now };
        }
        used.begun.push(now);
      }
      byClient.set(key, used);
      used.total += 1;
      used.underWay += 1;
      let over = false;
      return () => {
        if (!over) used.underWay -= 1;
        over = true;
      };
    },
  };
}
