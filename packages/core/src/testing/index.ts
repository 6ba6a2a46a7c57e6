export { type Check, checkOutcome, checkUsed, deniedIn, doneIn, pathIn, saidIn } from "./check.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export {
  type ApprovalTold,
  approvalsIn,
  type External,
  edit,
  grant,
  isDecision,
  isReply,
  letExpire,
  type PersonDecision,
  type Reply,
  reject,
  replies,
} from "./people.ts";
export { type PlayOptions, playScenario, runScenario } from "./play.ts";
export { type PolicyCase, policyRequest, testPolicy } from "./policy.ts";
export {
  type RecordedLine,
  type RecordedModel,
  type RecordedModelOptions,
  type Recording,
  type RecordingOptions,
  recordedModel,
  recording,
} from "./recorded-model.ts";
export {
  type Change,
  defineScenario,
  type Expectation,
  type ParkedResult,
  type Scenario,
  type ScenarioOptions,
  type ScenarioOutcome,
} from "./scenario.ts";
export {
  answers,
  asks,
  calls,
  callsAll,
  fails,
  functionModel,
  hangs,
  refuses,
  type ScriptedModel,
  says,
  scriptedModel,
  type Turn,
} from "./scripted-model.ts";
