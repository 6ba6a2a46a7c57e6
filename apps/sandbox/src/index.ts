export { readRunbooks } from "../packs/operations-desk/runbooks/folder.ts";
export { openRunbookIndex, type RunbookHit, type RunbookIndex } from "../packs/operations-desk/runbooks/index.ts";
export { type Runbook, type RunbookStep, readRunbook } from "../packs/operations-desk/runbooks/read.ts";
export { BfclError, type BfclErrorCode, bfclErrorCodes } from "./bfcl/errors.ts";
export {
  type AtHand,
  type ConfiguredEngine,
  type ConfiguredSupervisor,
  defineConfig,
  type RemitConfig,
  type RemitConfigOptions,
} from "./config/define-config.ts";
export { DojoError, type DojoErrorCode, dojoErrorCodes } from "./dojo/errors.ts";
export { InvoiceError, type InvoiceErrorCode, invoiceErrorCodes } from "./einvoice/errors.ts";
export type { Invoice, InvoiceLine, Party, Totals as InvoiceTotals, VatBreakdown } from "./einvoice/invoice.ts";
export { readInvoice } from "./einvoice/read.ts";
export { checkArithmetic, type Finding } from "./einvoice/rules.ts";
export { SandboxError, type SandboxErrorCode, sandboxErrorCodes } from "./errors.ts";
export { isModelName, type ModelName, modelNames } from "./model/choice.ts";
export { type NoiseKind, type NoisyOptions, noiseKinds, noisyModel } from "./model/noisy.ts";
export { noopModel } from "./model/noop.ts";
export { oracleModel, scenarioAttribute } from "./model/oracle.ts";
export {
  definePack,
  type OwnPack,
  type OwnServersPack,
  type OwnTeam,
  type OwnWorldPack,
  type ScenarioSource,
  type TeamPackOptions,
} from "./own/define-pack.ts";
export {
  type Marks,
  type Pack,
  type PackTool,
  type Place,
  type PlaceOptions,
  type PlaceReader,
  pick,
  type ServersPack,
  type WorldPack,
} from "./pack.ts";
export { ReportFile } from "./report/file.ts";
export { loadScenarios, parseScenario, uniqueScenarios, type YamlOptions } from "./scenario/yaml.ts";
export { type ApproverName, approveAll, approverNames, isApproverName } from "./suite/approver.ts";
export { auditRun } from "./suite/audit.ts";
export { type Catalog, catalogOf, offlineTools } from "./suite/catalog.ts";
export { countsOf, type RunCounts, type ScenarioReport, type SuiteReport } from "./suite/report.ts";
export { runSuite, type SuiteEvent, type SuiteOptions } from "./suite/runner.ts";
export { isContent, type Totals, totalsOf } from "./suite/totals.ts";
export { openWorkspace, type PackModule, type SuiteFile, type SuitePack, type Workspace } from "./suite/workspace.ts";
export { Tau2Error, type Tau2ErrorCode, tau2ErrorCodes } from "./tau2/errors.ts";
export { type KnowledgeDomain, type KnowledgeTask, knowledgeDesk, loadKnowledge } from "./tau2/knowledge.ts";
export { loadRetail, type RetailDomain } from "./tau2/load.ts";
export { retailPack } from "./tau2/pack.ts";
export { type RetailScorer, type RunScore, retailScorer, scoreLine, totalScores } from "./tau2/score.ts";
export { loadTelecom, type TelecomDomain, type TelecomTask } from "./tau2/telecom/load.ts";
export { telecomPack } from "./tau2/telecom/pack.ts";
export { readWorkflow, type Workflow, workflowDesk } from "./tau2/workflow.ts";
export { changesBetween, type WorldChange } from "./world/changes.ts";
export { WorldError, type WorldErrorCode, worldErrorCodes } from "./world/errors.ts";
export { type InProcessWorld, inProcessTools } from "./world/in-process.ts";
export { type WorldServerOptions, worldMeta, worldServerCommand } from "./world/launch.ts";
export {
  openWorldReader,
  openWorldStore,
  type WorldAnswer,
  type WorldReader,
  type WorldStore,
} from "./world/store.ts";
export { type World, type WorldLogLine, WorldRefusal, type WorldTool, worldTool } from "./world/world.ts";
