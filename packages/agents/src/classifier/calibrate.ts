import { toShares } from "./softmax.ts";

/** What a classifier said of an example that it has not learned from. */
export interface Judged {
  readonly scores: Float64Array;
  readonly label: number;
}

const coldest = 0.05;
const hottest = 20;
const rounds = 40;
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature under which the confidences of examples that were not learned from are nearest to how often they are
 * right (temperature scaling: Guo et al., On Calibration of Modern Neural Networks, 2017). Which class comes first stays.
 */
export function temperatureFor(judged: readonly Judged[]): number {
  // One valley, so that a search that leaves a part out each time comes to its ground.
  let [low, high] = [Math.log(coldest), Math.log(hottest)];
  for (let round = 0; round < rounds; round++) {
    const width = golden * (high - low);
    const [left, right] = [high - width, low + width];
    if (surprise(judged, Math.exp(left)) < surprise(judged, Math.exp(right))) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

/** How little the right classes were expected, on the whole. */
function surprise(judged: readonly Judged[], temperature: number): number {
  let sum = 0;
  // So many examples of which all are right do not show that the next one is (targets as in Platt's scaling).
  const doubt = 1 / (judged.length + 2);
  for (const { scores, label } of judged) {
    const shares = toShares(Float64Array.from(scores), temperature);
    shares.forEach((share, one) => {
      const target = one === label ? 1 - doubt : doubt / (shares.length - 1);
      sum -= target * Math.log(Math.max(share, 1e-12));
    });
  }
  return sum;
}
