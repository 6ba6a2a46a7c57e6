import type { Json, Message, Model, ModelRequest, ResponsePart } from "@remit/core";
import { SandboxError } from "../../errors.ts";
import { judgement } from "../../model/judge.ts";
import { withEvidence } from "../../model/oracle.ts";
import { acted, allowed, closed, found, triaged } from "../desk-script.ts";
import { type Diagnosed, diagnose, type Reply, readDiagnoses, type Step } from "./diagnosis.ts";
import type { TelecomDomain } from "./load.ts";

/**
 * A model that serves by the published diagnoses and knows nothing of the tasks. It keeps no place of its own: each time it goes
 * through the conversation from its beginning, by what was answered, so that a run that comes back goes on where it was.
 * @throws SandboxError `usage/wrong` where the folder has no diagnoses
 */
export function guideModel({ folder, start }: TelecomDomain): Model {
  const diagnoses = readDiagnoses(folder);
  if (diagnoses === undefined) {
    throw new SandboxError("usage/wrong", { reason: `there are no diagnoses (workflows/*.dot) in ${folder}` });
  }
  return {
    id: "scripted:workflow",
    cost: "zero",
    generate: (request) => {
      const said = partsOf(request, (text) => next(request.messages, diagnose(diagnoses, text, start.today)));
      return { parts: withEvidence(said, request) };
    },
  };
}

function partsOf(request: ModelRequest, serve: (text: string) => Step | Diagnosed): readonly ResponsePart[] {
  const judged = judgement(request, ["policy"]);
  if (judged !== undefined) return [{ type: "output", value: judged }];
  const { text = "", request: wanted = "", handOver } = request.input as Readonly<Record<string, string | undefined>>;
  switch (request.agent) {
    case "triage":
      return triaged(text, true).parts;
    case "retrieval":
      return found(0).parts;
    case "compliance":
      return allowed("The policy lets the line be served.").parts;
    case "reviewer":
      return closed(handOver ? "Somebody will take over." : "Your line was looked after.", handOver !== undefined)
        .parts;
    default: {
      const step = serve(wanted);
      if ("ask" in step) return [{ type: "ask", of: "customer", question: step.ask }];
      if ("call" in step) {
        return [{ type: "toolCall", callId: `call_${request.context.turn}`, tool: step.call, input: step.input }];
      }
      return acted(step.done.slice(0, 50), { next: "review", handedOver: step.handedOver }).parts;
    }
  }
}

/** The step that comes after all that was answered. */
function next(messages: readonly Message[], serving: Generator<Step, Diagnosed, Reply>): Step | Diagnosed {
  let at = serving.next();
  for (const reply of messages.flatMap(repliesIn)) {
    if (at.done === true) break;
    at = serving.next(reply.value);
  }
  return at.value;
}

function repliesIn(message: Message): readonly { readonly value: Reply }[] {
  if (message.role === "answer") return [{ value: message.answer }];
  if (message.role !== "tool") return [];
  return message.results.map((result) => ({ value: result.status === "done" ? inner(result.output) : undefined }));
}

/** A server of tools puts what it found under `result`. */
function inner(output: Json): Json {
  if (typeof output !== "object" || output === null || Array.isArray(output)) return output;
  const { result = output } = output as { readonly result?: Json };
  return result;
}
