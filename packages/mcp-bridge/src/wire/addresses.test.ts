import { expect, test } from "vitest";
import { whereabouts } from "./addresses.ts";

test.each([
  ["was not reached yet", [], false],
  ["has only been on private addresses", ["10.0.0.4", "192.168.1.9", "::1"], true],
  ["is public", ["203.0.114.7"], false],
  ["was public, and is on a private address now", ["203.0.114.7", "10.0.0.4", "10.0.0.5"], false],
  ["was on a private address, and became public", ["10.0.0.4", "203.0.114.7", "10.0.0.4"], false],
] as const)("H3 whether a server is private that %s", (_, addresses, isPrivate) => {
  const server = whereabouts();
  for (const address of addresses) server.reached(address);
  expect(server.isPrivate()).toBe(isPrivate);
});
