/** Text that the caller attached to the run for its models and tools. */
export type Attributes = Readonly<Record<string, string>>;
