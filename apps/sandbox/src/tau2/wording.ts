/**
 * Turns a customer's sheet ("You want to return your lamp.") into what the customer would say ("I want to return my
 * lamp."). Word rules, not a grammar: the result reads well enough to stand in for a person, and ids, names, numbers and
 * addresses stay as they are.
 */

/** "you" after one of these is the one acted upon. */
const beforeMe =
  "to|for|with|of|from|by|at|on|about|let|lets|help|helps|give|gives|tell|tells|told|send|sends|ask|asks|asked|allow|allows|owe|owes|remind|reminds|show|shows|offer|offers|refund|save|saves|charge|charges|transfer|transfers";
/** A word of its own, not a part of an e-mail address, an id or a number. */
const word = (pattern: string): RegExp => new RegExp(`(?<![\\w@#.+-])(?:${pattern})(?![\\w@-]|\\.\\w)`, "gi");

const rules: readonly (readonly [RegExp, string])[] = [
  [word("you name"), "my name"],
  [word("you(?:'|’)re|you are"), "I am"],
  [word("(?:are|aren't) you"), "am I"],
  [word("you were"), "I was"],
  [word("were you"), "was I"],
  [word("you(?=(?:'|’)(?:d|ll|ve)\\b)"), "I"],
  [word("yourself"), "myself"],
  [word("yours"), "mine"],
  [word("your"), "my"],
  [word(`(?<=\\b(?:${beforeMe})\\s)you(?!\\s+(?:want|would|can|could|have|had|do|did|will|need|just)\\b)`), "me"],
  [word("(?<!\\bthank\\s)you(?=\\s*(?:[.,;:!?)]|$))"), "me"],
  [word("(?<!\\bthank\\s)you"), "I"],
];

/** The same text from the customer's own mouth, as whole sentences: stray dots before it go, a full stop after it comes. */
export function inFirstPerson(text: string): string {
  const sentences = text
    .replace(/\s+/g, " ")
    .replace(/^[ .]+|[ ;,]+$/g, "")
    .replace(/(?<=[\w'"’”)}\]])$/, ".");
  return rules
    .reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), sentences)
    .replace(/(^|[.!?]\s+)(my|me|mine|myself|am)\b/g, (_, before: string, found: string) => {
      return `${before}${found.charAt(0).toUpperCase()}${found.slice(1)}`;
    });
}
