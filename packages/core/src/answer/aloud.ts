const begin = "<think>";
const end = "</think>";

/** How an answer begins that is a value, and no thought: JSON, or a fence around it. */
const value = /^[{["`]/;

/**
 * An answer that comes in pieces, without the thoughts that a server has left in its text (`<think>…</think>`).
 *
 * T1 What stands between the marks is never shown, however the pieces were cut.
 * T2 Where they begin the template of a conversation may have said, so that the text has no mark for it. What was shown
 *    before the mark of their end turns out to be a thought, and is taken back.
 * T3 In an answer that begins as a value no mark is one: it stands in what is answered.
 */
export class Aloud {
  #in: "nothing" | "thoughts" | "words" | "value" = "nothing";
  /** What a mark may have begun with. */
  #held = "";

  /** @returns what may be shown now; `takenBack`: nothing that was shown before is of the answer */
  push(piece: string): { readonly text: string; readonly takenBack: boolean } {
    let takenBack = false;
    for (let rest = piece; ; ) {
      if (this.#in === "value") return { text: rest, takenBack };
      const all = this.#held + rest;
      if (this.#in === "nothing") {
        this.#held = all.trimStart();
        if (this.#held !== begin && begin.startsWith(this.#held)) return { text: "", takenBack };
        const isThought = this.#held.startsWith(begin);
        this.#in = isThought ? "thoughts" : value.test(this.#held) ? "value" : "words";
        rest = isThought ? this.#held.slice(begin.length) : this.#held;
        this.#held = "";
        continue;
      }
      const at = all.indexOf(end);
      if (at < 0) {
        this.#held = all.slice(1 - end.length);
        return { text: this.#in === "words" ? rest : "", takenBack };
      }
      takenBack ||= this.#in === "words";
      this.#in = "nothing";
      this.#held = "";
      rest = all.slice(at + end.length);
    }
  }

  /** @returns the rest, when there comes no more */
  end(): string {
    return this.#in === "nothing" ? this.#held : "";
  }
}
