export {
  type Classification,
  type Classifier,
  type Example,
  readClassifier,
  type StoredClassifier,
  type TrainingOptions,
  trainClassifier,
} from "./classifier.ts";
export { ClassifierError, type ClassifierErrorCode, classifierErrorCodes } from "./errors.ts";
export { type Answered, crossValidate, type Evaluation, evaluateAnswers, type Routing } from "./evaluate.ts";
export { type ClassifierModelOptions, classifierModel } from "./model.ts";
