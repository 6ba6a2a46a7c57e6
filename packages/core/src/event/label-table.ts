/** Origin labels of one payload: JSON pointer → labels; "" is the whole payload (D10). */
export type LabelTable = { readonly [pointer: string]: readonly string[] };
