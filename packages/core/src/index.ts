export {
  type Agent,
  type AgentOptions,
  type AnyAgent,
  defineAgent,
  type InputOf,
  type OutputOf,
  type ToolSearch,
} from "./agent.ts";
export type { AnswerDelta, AnswerRetracted } from "./answer/deltas.ts";
export { defaultDetectors, type PatternDetector, redactText, type TextDetector } from "./answer/redaction.ts";
export type {
  ApprovalDecision,
  Approvals,
  DecisionOutcome,
  DecisionTaken,
  RevealedCase,
} from "./approval/approvals.ts";
export { type Bound, bindingOf } from "./approval/binding.ts";
export {
  type ApprovalPacket,
  approvalPacket,
  type EffectCase,
  type EffectVerdict,
  effectCase,
  effectVerdict,
} from "./approval/case.ts";
export { type Change as ApprovalChange, diffOf } from "./approval/diff.ts";
export { type ApprovalCase, addressOf, openCasesOf, parseAddress } from "./approval/open-cases.ts";
export { openQuestionsOf, type QuestionCase, type QuestionField } from "./approval/open-questions.ts";
export { type AnswerTaken, answerFacts, type QuestionAnswer, type ToolQuestions } from "./approval/questions.ts";
export type { ApprovalRule } from "./approval/rule.ts";
export type { ApprovalFilter } from "./approval/service.ts";
export { shownText } from "./approval/shown.ts";
export {
  type ApproverKey,
  type ApproverRegistry,
  approverKey,
  approverRegistry,
  type DecisionFacts,
  factsOf,
  signDecision,
  verifyDecision,
} from "./approval/signature.ts";
export type { Audience } from "./audience.ts";
export { type Checkpoint, checkpointStream, checkpointText } from "./audit/checkpoint.ts";
export type { CheckpointOptions } from "./audit/checkpoints.ts";
export { type Completeness, completenessOf, type MissingEntry } from "./audit/completeness.ts";
export {
  type ErasureOptions,
  eraseEndedRuns,
  eraseRun,
  erasureStream,
  type RetentionOptions,
} from "./audit/erasure.ts";
export { type EvidenceFile, type EvidenceOptions, type EvidenceSeal, exportEvidence } from "./audit/evidence.ts";
export type { EvidenceReport, VerifyOptions } from "./audit/report.ts";
export { ed25519Signer, publicKeyOf } from "./audit/signer.ts";
export { verifyEvidence } from "./audit/verify.ts";
export type { BudgetView, TenantBudget } from "./budget/ledger.ts";
export { type MemoryBusOptions, memoryBus } from "./bus/memory.ts";
export { type CheckReport, checkSupervisor } from "./check/check.ts";
export { checkErrorCodes } from "./check/errors.ts";
export type { Finding, FindingCode } from "./check/finding.ts";
export type { CheckOptions } from "./check/rule.ts";
export type {
  CallModelCommand,
  CallToolCommand,
  Command,
  DelegateCommand,
  DelegationStart,
  LookupCommand,
  RecallCommand,
  StartTimerCommand,
} from "./command.ts";
export type { Effect } from "./effect/effect.ts";
export type { Health } from "./effect/health.ts";
export type { Rates, RateView } from "./effect/rate.ts";
export type { RetryPolicy } from "./effect/tries.ts";
export { readToolAnswer } from "./elicit/answer.ts";
export {
  type FormContent,
  type FormField,
  type FormSchema,
  readQuestion,
  type ToolAnswer,
  type ToolQuestion,
} from "./elicit/question.ts";
export type { QuestionWarning } from "./elicit/warnings.ts";
export { type LocalEngineOptions, localEngine } from "./engine/local.ts";
export { memoryEngine } from "./engine/memory.ts";
export {
  type ErrorCode,
  type ErrorData,
  type ErrorFamily,
  type ErrorRecord,
  errorCodes,
  errorFrom,
  OrchestrationError,
  reasonOf,
} from "./errors.ts";
export type * from "./event.ts";
export { type AgentChanges, type Extended, extendAgent } from "./extend.ts";
export { defineExtraction } from "./extraction.ts";
export type { RestrictionInForce } from "./governance/restrictions.ts";
export { type ArgumentRange, covers, coversSource, fullGrant, type Grant, narrow } from "./grant.ts";
export {
  type Branch,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  type Edge,
  type Ending,
  type Handoff,
  inputOf,
  optional,
  outputOf,
  type Parallel,
  type Question,
  type SourceRef,
} from "./handoff.ts";
export { hashJson, sha256 } from "./hash.ts";
export { type IdSource, randomIds, seededIds } from "./ids.ts";
export { type ChainFault, type Line, linesOf, openBatch, verifyChain } from "./journal/chain.ts";
export type { Head } from "./journal/draft.ts";
export { memoryJournal } from "./journal/memory.ts";
export { canonicalJson, findNonJson, type Json, type JsonSchema } from "./json.ts";
export { becauseText } from "./label/because.ts";
export type { FlowFinding } from "./label/flow.ts";
export { type AcceptRule, type FlowRules, flowRules } from "./label/flow-rules.ts";
export { extractedBy, isForeign, isSensitive } from "./label/label.ts";
export { labelled, saidOf } from "./label/labelled.ts";
export type { Mark } from "./label/marks.ts";
export { type Hole, type PlanStep, planSteps } from "./label/plan.ts";
export type { Source } from "./label/reading.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { inertMedia } from "./media.ts";
export { memoryStore } from "./memory/in-process.ts";
export { defineMemory, type Memory, type MemoryOptions, type MemoryOwner } from "./memory/memory.ts";
export type { MemoryItem, MemoryQuery, MemoryScope, MemoryStore } from "./memory/store.ts";
export type { Envelope, Messages, MessageType } from "./message.ts";
export {
  type CachedResponse,
  type CacheOptions,
  type MemoryModelCacheOptions,
  type ModelCache,
  memoryModelCache,
} from "./model/cache.ts";
export type { ContextBudget, SummaryPolicy } from "./model/context.ts";
export { type HedgeOptions, hedge } from "./model/hedge.ts";
export {
  defineRoute,
  isCleared,
  type Route,
  type RouteOptions,
  type RouteRule,
  type RouteSplit,
  type RouteTargets,
} from "./model/route.ts";
export { escapePointer, partsOfPointer } from "./pointer.ts";
export type { PolicyAnswer, PolicyEffect } from "./policy/answer.ts";
export { diffPolicy, type PolicyChange, type PolicyDiff } from "./policy/diff.ts";
export type { LivePolicy } from "./policy/gate.ts";
export type { OperatorAction, OperatorRoles } from "./policy/operators.ts";
export {
  type After,
  definePolicy,
  definePolicyRule,
  type LateEdge,
  type LooksBack,
  type Policy,
  type PolicyOptions,
  type PolicyRule,
  type WrittenRule,
} from "./policy/policy.ts";
export {
  type CallFlow,
  type EarlierCall,
  type PolicyEdge,
  type PolicyFacts,
  type PolicyPrincipal,
  type PolicyRequest,
  policyEdges,
  type RequestOn,
} from "./policy/request.ts";
export type { AnyPolicyRule } from "./policy/rule.ts";
export { policyVersion } from "./policy-version.ts";
export type { Bus, DeadLetter, Recipient } from "./port/bus.ts";
export { type Clock, systemClock } from "./port/clock.ts";
export type { Engine, RunHost, RunKey, RunSession } from "./port/engine.ts";
export type {
  Batch,
  Journal,
  RunFilter,
  RunRecord,
  Snapshot,
  StreamKey,
  StreamKind,
  UnfinishedFilter,
  UnfinishedPage,
  Wait,
  WaitingDefinition,
  Waits,
} from "./port/journal.ts";
export { type Logger, silentLogger } from "./port/logger.ts";
export type {
  FailedCall,
  Message,
  Model,
  ModelCallOptions,
  ModelDelta,
  ModelRequest,
  ModelResponse,
  ToolOffer,
  ToolResultPart,
} from "./port/model.ts";
export type { Signer } from "./port/signer.ts";
export type { StopSignal } from "./port/stop-signal.ts";
export { type Span, type SpanAttributes, silentTracer, spanNames, type Tracer } from "./port/tracer.ts";
export { operator, osPrincipal, type Principal, type PrincipalSource, service, user } from "./principal.ts";
export { quietController } from "./quiet-stop.ts";
export { referred } from "./referred.ts";
export type { Caller } from "./remote/admission.ts";
export { type RemoteAgent, remoteAgent } from "./remote/agent.ts";
export {
  type AnySpecialist,
  defineSpecialist,
  type RemoteContract,
  type Specialist,
  type SpecialistTool,
  type SpecialistTools,
} from "./remote/contract.ts";
export { type ServedSpecialist, type ServeOptions, serveSpecialist } from "./remote/serve.ts";
export { addCosts, type Costs, type CostTotal, costsOf, noCosts } from "./run/costs.ts";
export type { EffectRecord } from "./run/effects.ts";
export type { ReplayReport } from "./run/replay.ts";
export type { EventsOptions, OpenQuestion, Run, RunEvents, RunResult, UncertainEffect } from "./run/run.ts";
export { type Settlement, settlementsOf } from "./run/settlements.ts";
export { isUndoConversation } from "./run/undo-runs.ts";
export { type Issue, issuesOf, jsonSchemaOf, type Parsed, parseWith } from "./schema.ts";
export type { VaultKey } from "./seal/cipher.ts";
export { type Detected, type Detection, type Detector, detection } from "./seal/detector.ts";
export { type Disclosure, disclosureStream } from "./seal/disclosures.ts";
export { folded } from "./seal/folded.ts";
export { redactFields, redactingLogger, redactingTracer } from "./seal/onlookers.ts";
export type {
  AnswerRules,
  ClassActions,
  SealAction,
  SealOptions,
  SealSettings,
  VaultSettings,
} from "./seal/settings.ts";
export { luhnDigit } from "./seal/token.ts";
export { vaultStream } from "./seal/vault.ts";
export type { Withheld } from "./seal/withheld.ts";
export { asAgent, defineSupervisor, type SupervisorDefinition } from "./supervisor/definition.ts";
export type { DeadLetterRun, DeadLetters } from "./supervisor/letters.ts";
export type { MigrateOptions, MigrationReport } from "./supervisor/migrate.ts";
export type {
  Concurrency,
  HostOptions,
  RuntimeOptions,
  StartOptions,
  SupervisorOptions,
} from "./supervisor/options.ts";
export { toMermaid, toStateJson } from "./supervisor/picture.ts";
export {
  type As,
  type Compensation,
  everyTenant,
  type RestrictOptions,
  type Supervisor,
} from "./supervisor/services.ts";
export { createSupervisor, runSupervisor } from "./supervisor/supervisor.ts";
export { preload } from "./supervisor/work.ts";
export { defineThreshold, type Threshold } from "./threshold.ts";
export {
  type AnyReadTool,
  type AnyTool,
  defineTool,
  type Idempotency,
  type LookupAnswer,
  type ReadToolOptions,
  type Risk,
  type Tool,
  type ToolContext,
  type ToolInput,
  type ToolName,
  type ToolOutput,
  ToolRefusal,
  type ToolUndo,
  type WriteToolOptions,
} from "./tool.ts";
