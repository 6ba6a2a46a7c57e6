import type { ScenarioReport } from "../suite/report.ts";
import { bar, type Screen } from "./screen.ts";
import { cut, printable } from "./text.ts";

/** How far a suite is: a bar on a terminal, a line at each tenth elsewhere. */
export class Progress {
  readonly #screen: Screen;
  readonly #label: string;
  readonly #strict: boolean;
  readonly #under = new Set<string>();
  #failed = 0;
  #tenth = 0;

  /** @param strict true when a scenario that did not end as expected is a failure */
  constructor(screen: Screen, options: { readonly label: string; readonly strict: boolean }) {
    this.#screen = screen;
    this.#label = options.label;
    this.#strict = options.strict;
  }

  started(name: string): void {
    this.#under.add(name);
  }

  ended({ name, ok, waiting, violations }: ScenarioReport, done: number, total: number): void {
    this.#under.delete(name);
    const isBad = violations.length > 0 || (this.#strict && !ok && !waiting);
    if (isBad) {
      this.#failed++;
      this.#screen.print(`  ${this.#screen.paint.bad("✗")} ${printable(name)}`);
    }
    const { paint, columns } = this.#screen;
    const numbers = `${done}/${total}`;
    const failed = this.#failed > 0 ? `, ${this.#failed} failed` : "";
    if (this.#screen.live) {
      const line = `  ${bar(done / total, 24)}  ${numbers}${failed}`;
      const names = cut(
        printable([...this.#under].join(", ")),
        Math.max(0, columns - line.length - this.#label.length - 6),
      );
      this.#screen.status(`${line}  ${this.#label}  ${paint.quiet(names)}`);
      if (done === total) this.clear();
      return;
    }
    const tenth = Math.floor((done * 10) / total);
    if (tenth > this.#tenth || done === total) this.#screen.print(`  ${numbers} played${failed}`);
    this.#tenth = tenth;
  }

  clear(): void {
    this.#screen.status("");
  }
}
