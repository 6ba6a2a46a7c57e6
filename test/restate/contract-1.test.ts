import { engineThemes } from "../contract/engine.ts";
import { clusterContract } from "./contract.ts";

clusterContract(engineThemes.slice(0, 6));
