/** Lets everything else that waits have its turn of the event loop. Work that may be long is cut by it. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
