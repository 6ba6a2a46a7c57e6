import type { Json } from "../world/world.ts";
import { Tau2Error } from "./errors.ts";
import type { Tau2Task } from "./task.ts";
import { effectOf, isRetailTool, type RetailRole, type RetailToolName, roleOf } from "./tool-role.ts";
import { inFirstPerson } from "./wording.ts";

/** One ground-truth call and the specialist whose tool it is. */
export interface PlanStep {
  readonly actionId: string;
  readonly name: RetailToolName;
  readonly input: { readonly [argument: string]: Json };
  readonly role: RetailRole;
  readonly effect: "read" | "write";
}

/** Neighbouring steps of one specialist. Segments alternate between the roles and keep the order of the calls. */
export interface PlanSegment {
  readonly role: RetailRole;
  readonly steps: readonly PlanStep[];
}

/** What a scripted desk needs to play a task right. */
export interface TaskPlan {
  readonly taskId: string;
  /** The customer's first message. */
  readonly opening: string;
  readonly segments: readonly PlanSegment[];
  /** The strings that the answer must contain. */
  readonly mustSay: readonly string[];
  /** A last message to the customer that contains all of them. */
  readonly answer: string;
}

/**
 * A task's ground-truth calls in order.
 * @throws Tau2Error `tau2/not-supported` for a call that is no retail tool, or that the customer makes
 */
export function planSteps(task: Tau2Task): readonly PlanStep[] {
  return task.actions.map(({ id, name, input, by }) => {
    if (by === "customer" || !isRetailTool(name)) {
      throw new Tau2Error("tau2/not-supported", `task ${task.id} has the call ${name} by the ${by}`, {
        data: { task: task.id, action: id, name, by },
      });
    }
    return { actionId: id, name, input, role: roleOf(name), effect: effectOf(name) };
  });
}

/** Groups neighbouring steps of the same role. */
export function segmentsOf(steps: readonly PlanStep[]): readonly PlanSegment[] {
  const segments: { role: RetailRole; steps: PlanStep[] }[] = [];
  for (const step of steps) {
    const open = segments.at(-1);
    if (open?.role === step.role) open.steps.push(step);
    else segments.push({ role: step.role, steps: [step] });
  }
  return segments;
}

/** The customer's first message: why they write, and what they can say about themselves. */
export function openingMessage({ customer }: Tau2Task): string {
  const parts = ["Hello, I need some help.", inFirstPerson(customer.reason)];
  if (customer.known !== null) parts.push(`About me: ${inFirstPerson(customer.known)}`);
  return parts.filter((part) => part !== "").join(" ");
}

/**
 * The last message to the customer.
 * @param transferSentence said in addition when the plan ends with a person (see `transferSentenceOf`)
 */
export function closingMessage(task: Tau2Task, transferSentence?: string): string {
  const parts = ["Thank you for your patience, I have gone through your request."];
  if (task.communicate.length > 0) parts.push(`Here is what you asked about: ${task.communicate.join("; ")}.`);
  if (transferSentence !== undefined && task.actions.some(({ name }) => name === "transfer_to_human_agents")) {
    parts.push(transferSentence);
  }
  return parts.join(" ");
}

/** The fixed sentence of a policy text for a hand-over to a person: what it quotes after "send the message". */
export function transferSentenceOf(policy: string): string | undefined {
  return /\bsend the message\s+['"‘“]([^'"’”]+)['"’”]/i.exec(policy)?.[1];
}

/** A task as a script. Pure; it does not know which calls the tools will refuse. */
export function planTask(task: Tau2Task, { policy = "" }: { readonly policy?: string } = {}): TaskPlan {
  return {
    taskId: task.id,
    opening: openingMessage(task),
    segments: segmentsOf(planSteps(task)),
    mustSay: task.communicate,
    answer: closingMessage(task, transferSentenceOf(policy)),
  };
}
