export { Coverage, machines, openStates, reachable } from "./coverage.ts";
export { type FaultKind, faultKinds } from "./fault.ts";
export type { OpenState } from "./history.ts";
export { type Plant, plantNames, plants } from "./plant.ts";
export { reproduction, shrink } from "./shrink.ts";
export { type SimulationOptions, type SimulationReport, simulate, stormOf } from "./simulate.ts";
export type { Violation } from "./violation.ts";
