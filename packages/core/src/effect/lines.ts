/** Who waits for one target: the tenants in turns, within a tenant first come, first served. */
export interface Lines<Waiter> {
  readonly size: number;
  readonly add: (tenant: string, waiter: Waiter) => void;
  /** Whose turn it is. */
  readonly first: () => Waiter | undefined;
  /** Takes out whose turn it is; their tenant is behind the others then. */
  readonly next: () => Waiter | undefined;
  readonly remove: (tenant: string, waiter: Waiter) => void;
}

export function lines<Waiter>(): Lines<Waiter> {
  /** None is empty. The tenant whose turn it is comes first. */
  const waiting = new Map<string, Waiter[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add: (tenant, waiter) => {
      const line = waiting.get(tenant);
      if (line) line.push(waiter);
      else waiting.set(tenant, [waiter]);
      size++;
    },
    first: () => waiting.values().next().value?.[0],
    next: () => {
      const [turn] = waiting;
      if (!turn) return undefined;
      const [tenant, line] = turn;
      const waiter = line.shift();
      waiting.delete(tenant);
      if (line.length > 0) waiting.set(tenant, line);
      size--;
      return waiter;
    },
    remove: (tenant, waiter) => {
      const line = waiting.get(tenant);
      const index = line?.indexOf(waiter) ?? -1;
      if (!line || index < 0) return;
      line.splice(index, 1);
      if (line.length === 0) waiting.delete(tenant);
      size--;
    },
  };
}
