export { type SqliteEngineOptions, sqliteEngine } from "./engine/sqlite.ts";
export { type SqliteJournalOptions, sqliteJournal } from "./journal/sqlite.ts";
export { type SqliteMemoryOptions, sqliteMemory } from "./memory/sqlite.ts";
