import type { Vector } from "./features.ts";
import { type Random, shuffle } from "./random.ts";

/**
 * Multinomial logistic regression: a weight for each feature and class. None for the class alone: how often a class comes
 * says nothing of a text of which nothing is known.
 */
export interface Softmax {
  readonly classes: number;
  /** Those of a feature's classes side by side. */
  readonly weights: Float32Array;
}

export interface SoftmaxTraining {
  readonly vectors: readonly Vector[];
  /** The class of each vector. */
  readonly labels: readonly number[];
  readonly classes: number;
  readonly features: number;
  readonly epochs: number;
  readonly random: Random;
}

/** Steps are this long at first and get shorter up to the end. */
const rateFirst = 1;
const decay = 1e-6;

/** Stochastic gradient descent, an example at a time in a new order each epoch. */
export function trainSoftmax(training: SoftmaxTraining): Softmax {
  const { vectors, labels, classes, features, epochs, random } = training;
  const weights = new Float64Array(features * classes);
  const scores = new Float64Array(classes);
  const order = vectors.map((_, index) => index);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = rateFirst * (1 - epoch / epochs);
    for (const example of shuffle(order, random)) {
      const vector = vectors[example] as Vector;
      scoresInto(scores, vector, weights);
      toShares(scores, 1);
      // What is left is how far each class is off.
      (scores[labels[example] as number] as number) -= 1;
      learn(vector, scores, weights, rate);
    }
  }
  return { classes, weights: Float32Array.from(weights) };
}

function learn({ indices, values }: Vector, errors: Float64Array, weights: Float64Array, rate: number): void {
  const classes = errors.length;
  for (let at = 0; at < indices.length; at++) {
    const start = (indices[at] as number) * classes;
    const value = values[at] as number;
    for (let one = 0; one < classes; one++) {
      const weight = weights[start + one] as number;
      weights[start + one] = weight - rate * ((errors[one] as number) * value + decay * weight);
    }
  }
}

/** What speaks for each class, before it is brought to shares. */
export function scoresOf({ classes, weights }: Softmax, vector: Vector): Float64Array {
  const scores = new Float64Array(classes);
  scoresInto(scores, vector, weights);
  return scores;
}

function scoresInto(scores: Float64Array, { indices, values }: Vector, weights: Float64Array | Float32Array): void {
  const classes = scores.length;
  scores.fill(0);
  for (let at = 0; at < indices.length; at++) {
    const start = (indices[at] as number) * classes;
    const value = values[at] as number;
    for (let one = 0; one < classes; one++) (scores[one] as number) += (weights[start + one] as number) * value;
  }
}

/** Scores as shares of 1, in their own place. A temperature above 1 makes them more alike. */
export function toShares(scores: Float64Array, temperature: number): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > most) most = score;
  let sum = 0;
  for (let one = 0; one < scores.length; one++) {
    const share = Math.exp(((scores[one] as number) - most) / temperature);
    scores[one] = share;
    sum += share;
  }
  for (let one = 0; one < scores.length; one++) (scores[one] as number) /= sum;
  return scores;
}
