export type { Behaviour, Behaviours } from "./behaviour.ts";
export {
  type ApproverReport,
  type BenchOptions,
  type BenchReport,
  type Finding,
  type Line,
  lineText,
  runBench,
} from "./bench.ts";
export { type Encoding, encodings } from "./encode.ts";
export { DojoError, type DojoErrorCode, dojoErrorCodes } from "./errors.ts";
export { type InjectAgentReport, loadInjectAgent, runInjectAgent } from "./inject-agent.ts";
export { type DojoModel, dojoModels } from "./model.ts";
export { type DojoPolicy, generalPolicy, policyOf } from "./policy.ts";
export { loadSecurityBench, runSecurityBench, type SecurityReport } from "./security-bench.ts";
export { type DojoApprover, dojoApprovers } from "./stage.ts";
export { type AttackFolder, loadAttacks, loadSuite, type Suite } from "./suite.ts";
