export { action, actionInput, actionOutput } from "./action.ts";
export { compliance, complianceInput, complianceOutput } from "./compliance.ts";
export { type DeskOptions, type DeskRoles, serviceDesk } from "./desk.ts";
export { serviceDeskReason } from "./desk-reason.ts";
export { effectCompliance } from "./effect-compliance.ts";
export { effectReviewer } from "./effect-reviewer.ts";
export {
  type Evidence,
  evidence,
  passage,
  type ReviewPacket,
  reviewPacket,
  type Severity,
  sensitivity,
  severity,
} from "./evidence.ts";
export { retrieval, retrievalInput } from "./retrieval.ts";
export { reviewer, reviewerInput, reviewerOutput } from "./reviewer.ts";
export { triage, triageInput, triageOutput } from "./triage.ts";
