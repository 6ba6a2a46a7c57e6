import type { Example } from "./classifier.ts";
import { seededRandom } from "./random.ts";

/** Letters to a parcel service, put together from parts: made up, and as many as are wanted. */
const parts = {
  where_is_it: {
    what: ["Where is my parcel", "My parcel has not arrived", "I am still waiting for the delivery", "Can I track it"],
    more: ["it is late", "it was promised for Monday", "the tracking says nothing", "nobody rang"],
  },
  redirect: {
    what: [
      "Please send it to another address",
      "I have moved house",
      "Deliver it to my neighbour",
      "Change the street",
    ],
    more: ["the new street is Mill Lane", "I am not at home", "the old address is wrong", "the office is closed"],
  },
  complaint: {
    what: ["The box was broken", "The driver was rude", "My parcel came damaged", "The glass is in pieces"],
    more: ["I want my money back", "this is the second time", "I have pictures", "that must not happen"],
  },
} as const;
export type Letter = keyof typeof parts;
const greetings = ["Hello,", "Good day.", "Hi!", ""];

/** @param mistaken share of letters that are filed under another intent than their own */
export function letters(count: number, { seed = 1, mistaken = 0 } = {}): Example<Letter>[] {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const names = Object.keys(parts) as Letter[];
  return Array.from({ length: count }, () => {
    const intent = pick(names);
    const { what, more } = parts[intent];
    const text =
      `${pick(greetings)} ${pick<string>(what)}, ${pick<string>(more)}. ${Math.floor(random() * 900) + 100}`.trim();
    return { text, intent: random() < mistaken ? pick(names) : intent };
  });
}
