import type { OrchestrationError } from "../errors.ts";
import type { Envelope, MessageType } from "../message.ts";

/** Somebody with an address. */
export interface Recipient {
  readonly accepts: ReadonlySet<MessageType>;
  /**
   * Takes one message. Called once per message, in the order of publication, never from inside another call of it.
   * A throw is a refusal: the message becomes a dead letter.
   */
  readonly receive: (envelope: Envelope) => void;
}

/** A message that nobody took, and why. */
export interface DeadLetter {
  readonly letter: string;
  readonly envelope: Envelope;
  readonly error: OrchestrationError;
}

/**
 * Owns delivery between the parts of one run: order of publication, one acknowledgement per message, no second delivery
 * of an id, bounded mailboxes, dead letters.
 */
export interface Bus {
  readonly join: (address: string, recipient: Recipient) => void;
  /** Takes a recipient away. What still waits for it, or comes later, is acknowledged and goes nowhere. */
  readonly leave: (address: string) => void;
  /**
   * `queued`: it will be delivered by `drain`. `duplicate`: this id was published before, nothing happens.
   * @throws OrchestrationError `bus/mailbox-full` as backpressure: nothing was queued, publish again later
   */
  readonly publish: (envelope: Envelope) => "queued" | "duplicate";
  /** Delivers until nothing waits, also what is published meanwhile. */
  readonly drain: () => void;
  readonly deadLetters: () => readonly DeadLetter[];
  /** Queues a dead letter once more. @throws OrchestrationError `bus/dead-letter-unknown` */
  readonly redrive: (letter: string) => void;
  /** Watches acknowledged messages. A throwing listener hurts neither the run nor another listener. */
  readonly on: <Type extends MessageType>(type: Type, listener: (envelope: Envelope<Type>) => void) => () => void;
}
