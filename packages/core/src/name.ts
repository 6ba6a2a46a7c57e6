const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** True for a text that may name an agent, a supervisor or an edge. */
export function isName(text: string): boolean {
  return typeof text === "string" && nameForm.test(text);
}
