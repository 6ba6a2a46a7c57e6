/**
 * Gives each call of one answer an id of its own: a vendor may send the same one twice, or none. The first keeps its id,
 * the next ones become `id#2`, `id#3` …; the same answer gives the same ids.
 */
export function uniqueIds(): (id: string | null | undefined) => string {
  const taken = new Set<string>();
  let count = 0;
  return (id) => {
    count++;
    const wanted = id || `call_${count}`;
    let unique = wanted;
    for (let number = 2; taken.has(unique); number++) unique = `${wanted}#${number}`;
    taken.add(unique);
    return unique;
  };
}

/**
 * Ids of calls as they travel in a conversation. Vendors want at most 64 of A–Z a–z 0–9 _ - and each id once in all of
 * the conversation; ours stand once in an answer, and may come from another vendor. One that does not fit becomes
 * `call_<place>`, and the same conversation gives the same ids.
 */
export function wireIds(): { readonly turn: (ids: readonly string[]) => ReadonlyMap<string, string> } {
  const taken = new Set<string>();
  let place = 0;
  return {
    turn: (ids) => {
      const wire = new Map<string, string>();
      for (const id of ids) {
        place++;
        let fitting = /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : `call_${place}`;
        for (let number = place; taken.has(fitting); number++) fitting = `call_${number}`;
        taken.add(fitting);
        wire.set(id, fitting);
      }
      return wire;
    },
  };
}
