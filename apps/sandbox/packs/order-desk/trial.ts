import * as worlds from "../../src/world/trial.ts";
import { type OrderDeskFixtures, orderDeskFixtures } from "./fixtures.ts";
import type { ShopState } from "./state.ts";
import { orderDeskSeed, orderDeskWorld } from "./world.ts";

/** One desk in memory, and what stands out in it. */
export interface Trial extends worlds.Trial<ShopState> {
  readonly fixtures: OrderDeskFixtures;
  /** Moves the shop's today. */
  readonly setToday: (day: string) => void;
}

export function openTrial(seed: number = orderDeskSeed): Trial {
  const world = orderDeskWorld({ seed });
  const start = world.initial();
  const trial = worlds.openTrial(world, start);
  return { ...trial, fixtures: orderDeskFixtures(start), setToday: (today) => trial.set({ today }) };
}
