/** Whom an agent or a supervisor may put a question to. */
export type Audience = "customer" | "operator";
