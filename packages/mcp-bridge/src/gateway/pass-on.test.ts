import { silentLogger } from "@remit/core";
import { expect, test } from "vitest";
import { gatewayCalls } from "./calls.ts";
import { type PassOnServer, passOn } from "./pass-on.ts";

/** A server of which only watches are asked. */
function watchable() {
  const told: string[] = [];
  let state = "ready";
  let connectAgain = () => {};
  const server = {
    name: "desk",
    link: {
      status: () => ({ state }),
      onListingChange: (listener: () => void) => {
        connectAgain = listener;
      },
    },
    resources: {
      watch: async (uri: string) => void told.push(`+${uri}`),
      unwatch: async (uri: string) => void told.push(`-${uri}`),
    },
    prompts: {},
    uris: ["desk://**"],
    promptNames: [],
  } as unknown as PassOnServer;
  const { resources } = passOn([server], gatewayCalls([]), silentLogger);
  const is = (next: string) => {
    state = next;
  };
  return { told, is, resources, connectAgain: () => connectAgain() };
}

test("what nobody listens for any more its server tells no more, and has room again", async () => {
  const { told, is, resources, connectAgain } = watchable();
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 4_000; index++) await resources?.watch?.(`desk://${round}/${index}`);
    for (let index = 0; index < 4_000; index++) await resources?.unwatch?.(`desk://${round}/${index}`);
  }
  expect(told).toHaveLength(24_000);
  told.length = 0;
  await resources?.watch?.("desk://a");
  await resources?.watch?.("desk://b");
  await resources?.unwatch?.("desk://b");
  await resources?.unwatch?.("desk://never");
  connectAgain();
  expect(told).toEqual(["+desk://a", "+desk://b", "-desk://b", "+desk://a"]);
  // One that is away is not connected to for that.
  is("down");
  await resources?.unwatch?.("desk://a");
  connectAgain();
  expect(told).toHaveLength(4);
});
