/** How we introduce ourselves to servers. */
export const clientInfo = { name: "remit", version: "0.1.0" } as const;
