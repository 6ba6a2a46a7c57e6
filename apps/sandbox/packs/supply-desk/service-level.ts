/** z of the normal distribution for each percentage of replenishment cycles without a stockout. */
export const serviceFactors = { "90": 1.2816, "95": 1.6449, "98": 2.0537, "99": 2.3263 } as const;
export type ServiceLevel = keyof typeof serviceFactors;
