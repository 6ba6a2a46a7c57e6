import type { AnyAgent, InputOf, Json, Model } from "@remit/core";
import type { z } from "zod";
import type { Classification, Classifier } from "./classifier.ts";
import { ClassifierError } from "./errors.ts";

export interface ClassifierModelOptions<Agent extends AnyAgent, Intent extends string, Answer> {
  /** The agent that it answers for, and no other: what it says has the form of that agent's output. */
  readonly agent: Agent;
  readonly classifier: Classifier<Intent>;
  /** The text to classify, of the agent's input. */
  readonly text: (input: InputOf<Agent>) => string;
  /** The agent's output. Pure: after a crash it is made again. */
  readonly answer: (found: Classification<NoInfer<Intent>>, input: InputOf<Agent>) => Answer;
  /** Sensitive labels that it may see; see `Model.cleared`. The text does not leave the process. */
  readonly cleared?: readonly string[];
}

/**
 * A classifier as the model of an agent, such as triage: it answers at once, costs nothing, asks nobody and calls no tool.
 * With a threshold on the confidence in the agent's output, what it is not sure of goes to a stronger model or to a person.
 * An answer that does not fit the agent's contract fails the agent, because it would be the same again.
 */
export function classifierModel<
  Agent extends AnyAgent,
  Intent extends string,
  const Answer extends z.input<Agent["output"]>,
>({ agent, classifier, text, answer, cleared }: ClassifierModelOptions<Agent, Intent, Answer>): Model {
  return {
    id: `classifier:${classifier.fingerprint}`,
    cost: "zero",
    ...(cleared === undefined ? {} : { cleared }),
    generate: ({ agent: asking, input }) => {
      if (asking !== agent.name) {
        throw new ClassifierError("classifier/request-foreign", { wanted: agent.name, agent: asking });
      }
      const given = input as InputOf<Agent>;
      return { parts: [{ type: "output", value: answer(classifier.classify(text(given)), given) as Json }] };
    },
  };
}
