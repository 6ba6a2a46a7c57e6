import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import type { Nodes } from "../../scripts/restate/server.mjs";
import { journalContract } from "../contract/journal.ts";
import { closeNode, isAll, long, openPlace, type Place, theNode } from "./place.ts";

/** What every journal keeps, kept by a cluster: the same tests as of memory and SQLite, none of them left out. */

let nodes: Nodes;
let place: Place | undefined;
const engines: { readonly close: () => Promise<void> }[] = [];
beforeAll(async () => {
  if (isAll) nodes = await theNode();
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await place?.clear();
  place = undefined;
});
afterAll(closeNode);

const contract = () =>
  journalContract("restate", () => {
    const opened = openPlace(nodes);
    place = opened;
    const open = () => {
      const engine = opened.engine();
      engines.push(engine);
      return engine.journal;
    };
    const journal = open();
    return {
      journal,
      reopen: async () => {
        await journal.close();
        return open();
      },
    };
  });

if (isAll) contract();
else describe.skip(`the contract of journals (${long})`, () => test.todo("all of it"));
