import { describe } from "vitest";
import { boundsContract } from "./engine-bounds.ts";
import { closingContract } from "./engine-closing.ts";
import { eventsContract } from "./engine-events.ts";
import { type EngineUnderTest, engineKit } from "./engine-kit.ts";
import { signalsContract } from "./engine-signals.ts";

/** What every engine keeps. `open` is called for each test; the engines that it made are closed after it. */
export function engineContract(name: string, open: () => EngineUnderTest): void {
  describe(`engine contract: ${name}`, () => {
    const kit = engineKit(name, open);
    signalsContract(kit);
    eventsContract(kit);
    boundsContract(kit);
    closingContract(kit);
  });
}
