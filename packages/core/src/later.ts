/** Something that is loaded when it is first asked for. */
export interface Later<T> {
  /** What is loaded; nothing while it is not. */
  readonly now: () => T | undefined;
  /** Loads it, once. What could not be loaded is loaded anew when somebody asks again. */
  readonly load: () => Promise<T>;
}

export function later<T extends object>(load: () => Promise<T>): Later<T> {
  let loaded: T | undefined;
  let coming: Promise<T> | undefined;
  return {
    now: () => loaded,
    load: () => {
      coming ??= load().then(
        (value) => {
          loaded = value;
          return value;
        },
        (thrown: unknown) => {
          coming = undefined;
          throw thrown;
        },
      );
      return coming;
    },
  };
}
