// Claims about approval rules and decisions, checked by the compiler.
import { write } from "../tool.test-d.ts";
import type { AnyTool } from "../tool.ts";
import type { ApprovalDecision, Approvals } from "./approvals.ts";
import type { EffectCase, EffectVerdict } from "./case.ts";
import type { ApprovalRule } from "./rule.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const claim = <T extends true>(): T | undefined => undefined;

export const rules: readonly ApprovalRule<"write_it">[] = [{ tool: write, by: "human", quorum: 2, roles: ["lead"] }];
claim<Equal<ApprovalRule["tool"]["name"], string>>();
export const anyTool = (tool: AnyTool): ApprovalRule => ({ tool, by: "compliance" });
// @ts-expect-error a rule is for a tool of the team
export const foreign: ApprovalRule<"other"> = { tool: write, by: "human" };
// @ts-expect-error a rule names the tool itself, not its name
export const named: ApprovalRule = { tool: "write_it", by: "human" };
// @ts-expect-error a rule says who decides
export const undecided: ApprovalRule = { tool: write };
// @ts-expect-error nobody waives what a tool's risk asks for
export const waived: ApprovalRule = { tool: write, by: "nobody" };

export const yes: ApprovalDecision = { decision: "approve", reason: "fine" };
export const edit: ApprovalDecision = { decision: "edit", reason: "half", input: { amountCents: 450 } };
// @ts-expect-error an edit has arguments
export const empty: ApprovalDecision = { decision: "edit", reason: "half" };
// @ts-expect-error only an edit has arguments
export const both: ApprovalDecision = { decision: "approve", reason: "fine", input: {} };
// @ts-expect-error a decision has a reason
export const silent: ApprovalDecision = { decision: "approve" };
// @ts-expect-error an unscoped list does not compile
export const unscoped: Parameters<Approvals["list"]>[0] = { most: 5 };

claim<Equal<EffectVerdict["verdict"], "allow" | "revise" | "escalate">>();
claim<Equal<EffectCase["tier"], "compliance" | "person">>();
