import { engineThemes } from "../contract/engine.ts";
import { clusterContract } from "./contract.ts";

/** What `npm test` has of it; all of it is played by `npm run soak -- --only restate`. */
clusterContract(engineThemes.slice(0, process.env.REMIT_RESTATE_THEMES === "all" ? 6 : 2));
