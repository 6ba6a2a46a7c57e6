/**
 * JSON in which no delimiter of ours stands, nor what a reader may take for one: the character in front of it is written
 * as an escape, which is the same JSON. A delimiter is one however its letters are written: in any case, with characters
 * between them that nobody sees, with accents, or with letters of another script that look the same.
 * @param json text of `JSON.stringify`
 */
export function sealed(json: string): string {
  return json.replace(opening, (char, at: number) =>
    begins(json, at + char.length) ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
  );
}

const delimiters = ["input", "answer", "summary"];
/** `<`, and what looks like it. */
const opening = /[<\u02c2\u1438\u2039\u2329\u276e\u27e8\u3008\ufe64\uff1c]/g;
const isOpening = new RegExp(opening.source);
/** Letters of our words in other scripts. */
const lookAlikes: Readonly<Record<string, string>> = {
  "\u0131": "i",
  "\u03b1": "a",
  "\u03b9": "i",
  "\u03bd": "n",
  "\u03c1": "p",
  "\u03c4": "t",
  "\u03c5": "u",
  "\u0430": "a",
  "\u0435": "e",
  "\u043c": "m",
  "\u0440": "p",
  "\u0442": "t",
  "\u0443": "y",
  "\u0455": "s",
  "\u0456": "i",
  "\u0461": "w",
  "\u04af": "y",
  "\u0578": "n",
  "\u057d": "u",
};

/** True when the next letters are those of a delimiter; what is no letter between them does not count. */
function begins(json: string, from: number): boolean {
  let word = "";
  for (let at = from; at < json.length; ) {
    const char = String.fromCodePoint(json.codePointAt(at) as number);
    if (isOpening.test(char)) return false;
    if (char === "\\") {
      at += json[at + 1] === "u" ? 6 : 2;
      continue;
    }
    at += char.length;
    word += lettersOf(char);
    if (delimiters.some((one) => word.startsWith(one))) return true;
    if (!delimiters.some((one) => one.startsWith(word))) return false;
  }
  return false;
}

function lettersOf(char: string): string {
  if (char >= "a" && char <= "z") return char;
  return [...char.normalize("NFKD").toLowerCase()]
    .map((one) => lookAlikes[one] ?? one)
    .filter((one) => /\p{L}/u.test(one))
    .join("");
}
