import { type Principal, user } from "@remit/core";

/** Who there is around a simulation. */

export const tenants = ["acme", "globex"] as const;
const delegate = (id: string, onBehalfOf: string, roles: readonly string[]): Principal => ({
  ...user(id, roles),
  onBehalfOf,
});
/** Who starts runs, one of them through a delegate. */
export const starters: readonly Principal[] = [
  user("u_1", ["lead"]),
  user("u_1", ["lead"]),
  delegate("u_1d", "u_1", ["lead"]),
];
/** Who may not approve what the starters asked for. */
export const selves: readonly Principal[] = [
  user("u_1", ["lead"]),
  delegate("u_1e", "u_1", ["lead"]),
  delegate("u_1d", "u_1", ["lead"]),
];
export const voters: readonly Principal[] = [
  user("ann", ["lead"]),
  user("bob", ["lead"]),
  user("cat"),
  user("fay", ["lead"]),
  delegate("dan", "ann", ["lead"]),
];
export const operations = user("ops");
