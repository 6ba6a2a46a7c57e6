import { afterAll, beforeAll } from "vitest";
import { packsContract } from "../contract/packs.ts";
import { closeNode, isAll, long, openPlace, theNode } from "./place.ts";

/** The scenario packs on a cluster, from the same files as on every other engine. */

beforeAll(theNode);
afterAll(closeNode);

packsContract(
  "restate",
  async () => {
    const place = openPlace(await theNode());
    const engine = place.engine();
    const close = async () => {
      await engine.close();
      await place.clear();
    };
    return { engine, close };
  },
  isAll
    ? {}
    : {
        "code-desk": long,
        "crm-desk": long,
        "invoice-desk": long,
        "operations-desk": long,
        "order-desk": long,
        "supply-desk": long,
        "tau2-retail": long,
        "tau2-telecom": long,
      },
);
