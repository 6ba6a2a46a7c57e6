/**
 * What a repository's class decides: the tools that leave the house, how code is read, and what the journal may hold of it.
 * Policy data, and the only place: edges, rules, tools and the scoring read this table and no other.
 */

export const repositoryClasses = ["public", "internal", "sensitive"] as const;
export type RepositoryClass = (typeof repositoryClasses)[number];

/** Tools that ask somebody outside. */
export const externalTools = ["search_advisories", "look_up_license"] as const;
export type ExternalTool = (typeof externalTools)[number];

/** `strict`: code is read for a purpose that is named, and every line of it is declared, so that a vault seals it. */
export type Logging = "standard" | "strict";

export interface ClassFacts {
  readonly external: readonly ExternalTool[];
  /** How its diffs are read. */
  readonly diff: "get_diff" | "get_sealed_diff";
  /** Whole files and CI logs may be read: nobody knows what of the code is in them. */
  readonly files: boolean;
  readonly logging: Logging;
}

export const classFacts: Readonly<Record<RepositoryClass, ClassFacts>> = {
  public: { external: externalTools, diff: "get_diff", files: true, logging: "standard" },
  internal: { external: ["search_advisories"], diff: "get_diff", files: true, logging: "standard" },
  sensitive: { external: [], diff: "get_sealed_diff", files: false, logging: "strict" },
};

/** The class of data that code of a sensitive repository is. */
export const sourceClass = "source";

export const repositories = {
  "repo-shelfmark": "public",
  "repo-covers": "public",
  "repo-loans": "internal",
  "repo-kiosk": "internal",
  "repo-readers": "sensitive",
  "repo-payments": "sensitive",
} as const satisfies Readonly<Record<string, RepositoryClass>>;
export type RepositoryId = keyof typeof repositories;
export const repositoryIds = Object.keys(repositories) as readonly RepositoryId[];

/** A repository's class. What nobody has classed is sensitive. */
export function classOf(repositoryId: string | undefined): RepositoryClass {
  if (repositoryId === undefined || !Object.hasOwn(repositories, repositoryId)) return "sensitive";
  return repositories[repositoryId as RepositoryId];
}

export function factsOfClass(repositoryId: string | undefined): ClassFacts {
  return classFacts[classOf(repositoryId)];
}

/** Files that hold secrets, by their path: nobody here reads them. */
export function isSecretPath(path: string): boolean {
  return /(?:^|\/)\.env|secret|credential|\.pem$|\.key$/i.test(path);
}
