import { test } from "vitest";
import { triage } from "../triage.ts";
import { trainClassifier } from "./classifier.ts";
import { classifierModel } from "./model.ts";

const classifier = trainClassifier([
  { text: "Where is it?", intent: "where" },
  { text: "Send it elsewhere.", intent: "redirect" },
]);

test("intents are those of the examples, and the answer has the form of the agent's output", () => {
  classifier.classify("x").intent satisfies "where" | "redirect";
  // @ts-expect-error no example has that intent
  classifier.classify("x").intent satisfies "where";
  classifierModel({
    agent: triage,
    classifier,
    text: ({ text }) => text,
    // @ts-expect-error triage says more than the intent
    answer: ({ intent, confidence }) => ({ intent, confidence }),
  });
  classifierModel({
    agent: triage,
    classifier,
    // @ts-expect-error triage gets no subject
    text: ({ subject }) => subject,
    answer: ({ intent, confidence }, { text }) => ({
      intent,
      confidence,
      kind: intent === "redirect" ? "change" : "question",
      severity: "low",
      sensitivity: "personal",
      summary: text,
      language: "en",
      question: "",
    }),
  });
});
