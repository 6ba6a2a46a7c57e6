import { memoryEngine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { packsContract } from "./packs.ts";

/** Played there with every model, and with worlds of their own. */
const elsewhere = {
  "tau2-retail": "played on both by test/scenario/tau2-retail.test.ts",
  "tau2-telecom": "played on both by test/scenario/tau2-telecom.test.ts",
};

packsContract(
  "memory",
  () => {
    const engine = memoryEngine();
    return { engine, close: () => engine.close() };
  },
  elsewhere,
);

packsContract(
  "sqlite",
  (path) => {
    const engine = sqliteEngine({ path });
    return { engine, close: () => engine.close() };
  },
  elsewhere,
);
