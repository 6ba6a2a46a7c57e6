import type { Frozen } from "../../src/world/table.ts";
import { WorldRefusal } from "../../src/world/world.ts";
import type { CodeState, Pull, Release } from "./state.ts";

/** Says no for a reason of the domain. */
export function refuse(message: string): never {
  throw new WorldRefusal(message);
}

export function pullOf(state: CodeState, repositoryId: string, pullId: string): Frozen<Pull> {
  const pull = state.pulls[pullId];
  if (pull === undefined || pull.repositoryId !== repositoryId) {
    return refuse(`There is no pull request ${pullId} in ${repositoryId}.`);
  }
  return pull;
}

/** Refuses whatever would be written to a pull request that is merged or closed. */
export function openPull(state: CodeState, repositoryId: string, pullId: string): Frozen<Pull> {
  const pull = pullOf(state, repositoryId, pullId);
  return pull.status === "open" ? pull : refuse(`${pullId} is ${pull.status}: nothing is written to it any more.`);
}

export function releaseOf(state: CodeState, repositoryId: string, releaseId: string): Frozen<Release> {
  const release = state.releases[releaseId];
  if (release === undefined || release.repositoryId !== repositoryId) {
    return refuse(`There is no release ${releaseId} of ${repositoryId}.`);
  }
  return release;
}
