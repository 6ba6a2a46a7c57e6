import { OrchestrationError } from "../errors.ts";
import { assertBound } from "../limits.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { type Lines, lines } from "./lines.ts";

/**
 * How much is under way at once, for each target (`tool:refund_order`, `model:openai`, `tenant:acme`), and who is next.
 *
 * L1 Never more than `most` under way for one target.
 * L2 Those who wait are served in turns: the tenants one after the other, within a tenant first come, first served. So
 *    while two tenants wait, neither is served twice before the other.
 * L3 A queue is bounded; who finds it full is told so and nothing was called.
 * L4 Nobody is lost: an aborted wait leaves the queue, a place is given back once, however often that is said.
 *
 * A queue with priorities (p-queue) cannot do L2: there, turns would have to be numbers that are given on arrival, when
 * nobody knows yet who else will come.
 */
export interface Limiter {
  /**
   * Takes a place, at once where one is free. Whoever has got it must release it.
   * @throws OrchestrationError `limits/queue-full`, also as a rejection; the signal's reason when it aborts the wait
   */
  readonly acquire: (wish: PlaceWish) => Release | Promise<Release>;
  /** Targets with anything under way, in the order of their names. */
  readonly queues: () => readonly QueueView[];
}

export interface PlaceWish {
  readonly target: string;
  readonly tenant: string;
  readonly signal?: StopSignal;
}

/** Gives the place back. The second call does nothing. */
export type Release = () => void;

export interface QueueView {
  readonly target: string;
  readonly underWay: number;
  readonly waiting: number;
}

export interface LimiterOptions {
  /** Calls at once, for each target; a function may answer undefined for no limit. The same target, the same answer. */
  readonly most: number | ((target: string) => number | undefined);
  /** Calls that may wait for one target. */
  readonly waitingMax: number;
}

interface Waiter {
  readonly serve: () => void;
}

interface Queue {
  readonly most: number;
  underWay: number;
  /** Absent until somebody waits: mostly nobody does. */
  waiting?: Lines<Waiter>;
}

/** @throws OrchestrationError `limits/not-a-bound`; `acquire` throws it for what a function answers */
export function limiter({ most, waitingMax }: LimiterOptions): Limiter {
  if (typeof most === "number") assertBound("most of the limiter", most);
  assertBound("waitingMax of the limiter", waitingMax);
  const queues = new Map<string, Queue>();

  const queueOf = (target: string): Queue | undefined => {
    const known = queues.get(target);
    if (known) return known;
    const bound = typeof most === "number" ? most : most(target);
    if (bound === undefined) return undefined;
    assertBound(`most of the limiter for ${target}`, bound);
    const queue: Queue = { most: bound, underWay: 0 };
    queues.set(target, queue);
    return queue;
  };

  const place = (target: string, queue: Queue): Release => {
    queue.underWay++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      queue.underWay--;
      serveNext(queue);
      if (queue.underWay === 0 && !queue.waiting?.size) queues.delete(target);
    };
  };

  return {
    acquire: ({ target, tenant, signal }) => {
      signal?.throwIfAborted();
      const queue = queueOf(target);
      if (!queue) return unbounded;
      // While anybody waits every place is taken: nobody is overtaken here.
      if (queue.underWay < queue.most) return place(target, queue);
      queue.waiting ??= lines();
      const line = queue.waiting;
      const waiting = line.size;
      if (waiting >= waitingMax) throw new OrchestrationError("limits/queue-full", { target, waiting });
      return new Promise<Release>((resolve, reject) => {
        const waiter: Waiter = {
          serve: () => {
            signal?.removeEventListener("abort", leave);
            resolve(place(target, queue));
          },
        };
        const leave = () => {
          line.remove(tenant, waiter);
          reject(signal?.reason);
        };
        line.add(tenant, waiter);
        signal?.addEventListener("abort", leave, { once: true });
      });
    },
    queues: () =>
      [...queues]
        .map(([target, { underWay, waiting }]) => ({ target, underWay, waiting: waiting?.size ?? 0 }))
        .sort((a, b) => (a.target < b.target ? -1 : 1)),
  };
}

const unbounded: Release = () => {};

function serveNext(queue: Queue): void {
  const { waiting } = queue;
  while (waiting && queue.underWay < queue.most && waiting.size > 0) waiting.next()?.serve();
}
