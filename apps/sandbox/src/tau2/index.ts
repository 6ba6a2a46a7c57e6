export { type Change, compareChanges, diffState } from "./change.ts";
export { Tau2Error, type Tau2ErrorCode, tau2ErrorCodes } from "./errors.ts";
export { type CallOutcome, callTool, type GroundTruth, type GroundTruthError, groundTruth } from "./ground-truth.ts";
export {
  deskCallOf,
  type KnowledgeDomain,
  type KnowledgeTask,
  knowledgeDesk,
  loadKnowledge,
  type ToolInterface,
} from "./knowledge.ts";
export { type ExpectedEffects, loadRetail, type RetailDomain, readRetailDatabase, readTasks } from "./load.ts";
export {
  closingMessage,
  openingMessage,
  type PlanSegment,
  type PlanStep,
  planSteps,
  planTask,
  segmentsOf,
  type TaskPlan,
  transferSentenceOf,
} from "./plan.ts";
export type { RetailDatabase } from "./record.ts";
export { type RetailToolOptions, type RetailWorldOptions, retailTools, retailWorld } from "./retail.ts";
export {
  passAllOf,
  type RetailScorer,
  type RunScore,
  type RunToScore,
  retailScorer,
  type SuiteScore,
  scoreLine,
  scoreRun,
  type Tally,
  totalScores,
  unsaidOf,
} from "./score.ts";
export { cloneState, type RetailState } from "./state.ts";
export type { Tau2Action, Tau2Check, Tau2Customer, Tau2Function, Tau2Task } from "./task.ts";
export { loadTelecom, type TelecomDomain, type TelecomTask } from "./telecom/load.ts";
export { telecomPack } from "./telecom/pack.ts";
export { type TelecomWorldOptions, telecomWorld } from "./telecom/world.ts";
export { effectOf, type RetailRole, type RetailToolName, retailToolKinds, roleOf } from "./tool-role.ts";
export { readWorkflow, type Workflow, type WorkflowEdge, workflowDesk } from "./workflow.ts";
