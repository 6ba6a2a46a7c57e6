import { EventEmitter } from "eventemitter3";
import { OrchestrationError, ownError } from "../errors.ts";
import type { Envelope, MessageType } from "../message.ts";
import type { Bus, DeadLetter, Recipient } from "../port/bus.ts";

export interface MemoryBusOptions {
  /** Messages that may wait for one address. */
  readonly capacity: number;
  /** Told when a listener throws; it has hurt nobody. */
  readonly onListenerError?: (thrown: unknown) => void;
}

/**
 * The bus of one run, in memory. Its state is a fold over the journal like everything else: ids are deterministic, and a
 * batch is appended only when the bus is empty again, so that what was delivered and what came of it are one row.
 */
export function memoryBus({ capacity, onListenerError }: MemoryBusOptions): Bus {
  const recipients = new Map<string, Recipient>();
  const seen = new Set<string>();
  const left = new Set<string>();
  const letters = new Map<string, DeadLetter>();
  const observers = new EventEmitter();
  let queue: Envelope[] = [];
  /** How many of the queue have been taken out for their recipients. */
  let taken = 0;
  let draining = false;

  /** Counted only where so many wait in all that they could be too many for one: mostly one waits. */
  const waitingFor = (address: string): number => {
    let count = 0;
    for (let index = taken; index < queue.length; index++) if (queue[index]?.to === address) count++;
    return count;
  };

  const enqueue = (envelope: Envelope) => {
    const waiting = queue.length - taken < capacity ? 0 : waitingFor(envelope.to);
    if (waiting >= capacity)
      throw new OrchestrationError("bus/mailbox-full", { address: envelope.to, waiting, capacity });
    queue.push(envelope);
  };

  const bury = (envelope: Envelope, error: OrchestrationError) => {
    const letter = `dead:${envelope.id}`;
    letters.set(letter, { letter, envelope, error });
  };

  const deliver = (envelope: Envelope) => {
    const recipient = recipients.get(envelope.to);
    if (!recipient && left.has(envelope.to)) return;
    if (!recipient?.accepts.has(envelope.type)) {
      bury(envelope, new OrchestrationError("bus/no-recipient", { address: envelope.to, type: envelope.type }));
      return;
    }
    try {
      recipient.receive(envelope);
    } catch (thrown) {
      bury(envelope, ownError(thrown));
      return;
    }
    // Returning from `receive` is the one acknowledgement.
    if (observers.listenerCount(envelope.type) === 0) return;
    for (const listener of observers.listeners(envelope.type)) {
      try {
        listener(envelope);
      } catch (thrown) {
        onListenerError?.(thrown);
      }
    }
  };

  return {
    join: (address, recipient) => {
      left.delete(address);
      recipients.set(address, recipient);
    },
    leave: (address) => {
      if (recipients.delete(address)) left.add(address);
    },
    publish: (envelope) => {
      if (seen.has(envelope.id)) return "duplicate";
      enqueue(envelope);
      seen.add(envelope.id);
      return "queued";
    },
    drain: () => {
      if (draining) return;
      draining = true;
      try {
        while (taken < queue.length) deliver(queue[taken++] as Envelope);
      } finally {
        queue = [];
        taken = 0;
        draining = false;
      }
    },
    deadLetters: () => [...letters.values()],
    redrive: (letter) => {
      const dead = letters.get(letter);
      if (!dead) throw new OrchestrationError("bus/dead-letter-unknown", { letter });
      enqueue(dead.envelope);
      letters.delete(letter);
    },
    on: <Type extends MessageType>(type: Type, listener: (envelope: Envelope<Type>) => void) => {
      const held = listener as (envelope: Envelope) => void;
      observers.on(type, held);
      return () => observers.off(type, held);
    },
  };
}
