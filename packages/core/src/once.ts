/**
 * A value that is made when it is first asked for, and the same from then on. For constants of a module that cost more to
 * make than an import may take (schemas, step tables), and that many a process never needs.
 * @param make gives the same whenever it is called; what it throws is thrown, and the next to ask makes it anew
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
