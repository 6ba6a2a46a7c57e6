/**
 * Makes what belongs to an object once, and keeps it as long as the object lives. What was made is shared: nobody changes it.
 * A throw is not kept.
 */
export function once<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const known = made.get(key);
    if (known) return known.value;
    const value = make(key);
    made.set(key, { value });
    return value;
  };
}
