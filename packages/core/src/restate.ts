/** Entry `@remit/core/restate`: runs on a Restate cluster. Workers need `@restatedev/restate-sdk`. */
export { type RestateEngine, type RestateEngineOptions, restateEngine } from "./engine/restate/engine.ts";
export {
  type DeploymentView,
  type DrainOptions,
  type OperatorOptions,
  type RestateOperator,
  restateOperator,
  type StuckRun,
} from "./engine/restate/operator.ts";
export type { WorkerOptions } from "./engine/restate/worker.ts";
