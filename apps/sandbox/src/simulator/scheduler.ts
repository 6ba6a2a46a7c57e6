import type { Random } from "./random.ts";

/** A process, as the scheduler sees it: what it waits for ends with it, and stands still while it is paused. */
export interface Owner {
  readonly name: string;
  alive: boolean;
  paused: boolean;
  /** Milliseconds by which its clock is ahead of the world's. */
  offsetMs: number;
  /** Epoch ms at which its clock was last put back. */
  setBackAt?: number;
}

interface Task {
  readonly kind: string;
  readonly owner: Owner | undefined;
  /** Epoch ms, by the owner's clock when `local`. */
  readonly dueAt: number;
  readonly local: boolean;
  readonly act: () => void;
}

export interface TaskOptions {
  readonly kind: string;
  /** Whose process the task lives in; absent for the world outside, which never dies. */
  readonly owner?: Owner | undefined;
  readonly delayMs?: number;
  readonly act: () => void;
}

/** Callbacks that are asked for at a time. */
const turnsAhead = 32;

/**
 * Owns every asynchronous completion of a simulation as a task, and picks the next one by seed.
 *
 * T1 Of the tasks that are due, any may come next: no order of delivery is promised, so none is kept.
 * T2 Time moves only when nothing is due.
 * T3 After each task everything that follows from it without waiting runs to its end.
 */
export class Scheduler {
  #now: number;
  readonly #tasks: Task[] = [];
  /** Those that may come next; of use within a step only. */
  readonly #due: Task[] = [];
  readonly #random: Random;
  /** Turns that are asked for and have not come yet. */
  #turns = 0;
  #onTurn: (() => void) | undefined;
  steps = 0;

  constructor(random: Random, startAt = 1_700_000_000_000) {
    this.#random = random;
    this.#now = startAt;
  }

  /** The world's time, epoch ms. */
  get now(): number {
    return this.#now;
  }

  add({ kind, owner, delayMs = 0, act }: TaskOptions): { readonly cancel: () => void } {
    return this.#put({ kind, owner, dueAt: this.#now + delayMs, local: false, act });
  }

  /** A timer at a time of the owner's own clock. */
  at(owner: Owner, dueAt: number, act: () => void): { readonly cancel: () => void } {
    return this.#put({ kind: "timer", owner, dueAt, local: true, act });
  }

  /** Resolves when its turn has come, never if the owner dies before. */
  wait(kind: string, owner: Owner | undefined, delayMs = 0): Promise<void> {
    return new Promise((resolve) => this.add({ kind, owner, delayMs, act: resolve }));
  }

  /** True while a task of this kind waits. */
  has(kind: string): boolean {
    return this.#tasks.some((task) => task.kind === kind && (task.owner?.alive ?? true));
  }

  /** Runs one task and what follows from it. False when there is none. */
  async step(): Promise<boolean> {
    let earliest = Number.POSITIVE_INFINITY;
    const due = this.#due;
    due.length = 0;
    let kept = 0;
    for (const task of this.#tasks) {
      const { owner } = task;
      if (owner?.alive === false) continue;
      this.#tasks[kept++] = task;
      if (owner?.paused) continue;
      const at = Math.max(this.#now, task.local && owner ? task.dueAt - owner.offsetMs : task.dueAt);
      if (at > earliest) continue;
      if (at < earliest) {
        earliest = at;
        due.length = 0;
      }
      due.push(task);
    }
    this.#tasks.length = kept;
    if (due.length === 0) return false;
    this.#now = earliest;
    const task = this.#random.pick(due);
    this.#remove(task);
    this.steps++;
    task.act();
    await this.#settled();
    return true;
  }

  /**
   * Resolves when no microtask is left. Callbacks of one turn of the event loop have all microtasks between them as well,
   * so they are asked for in advance: a turn of the loop costs more than most tasks.
   */
  #settled(): Promise<void> {
    if (this.#turns === 0) {
      this.#turns = turnsAhead;
      for (let turn = 0; turn < turnsAhead; turn++) setImmediate(() => this.#turn());
    }
    return new Promise((resolve) => {
      this.#onTurn = resolve;
    });
  }

  #turn(): void {
    this.#turns--;
    const resolve = this.#onTurn;
    this.#onTurn = undefined;
    resolve?.();
  }

  #put(task: Task): { readonly cancel: () => void } {
    this.#tasks.push(task);
    return { cancel: () => this.#remove(task) };
  }

  #remove(task: Task): void {
    const index = this.#tasks.indexOf(task);
    if (index >= 0) this.#tasks.splice(index, 1);
  }
}

/** Resolves when no microtask is left: the next turn of the event loop begins after the last of them. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
