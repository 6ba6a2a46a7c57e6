/** `read` changes nothing outside; `write` may. */
export type Effect = "read" | "write";
