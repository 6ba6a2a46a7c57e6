/**
 * `${NAME}` and `${NAME:-default}` in texts of a configuration; `${env:NAME}` is the same. One pass: what a variable holds
 * is not looked at again. What is not of this form stays as it is.
 */
const form = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

export interface Expanded {
  readonly text: string;
  /** What came from the environment, by name; a default is in the file and no secret. */
  readonly used: Readonly<Record<string, string>>;
}

/**
 * Fills a text in. An empty variable counts as not set where there is a default.
 * @param missing what to do where a variable is not set and has no default; must throw
 */
export function expand(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  missing: (variable: string) => never,
): Expanded {
  const used: [string, string][] = [];
  const expanded = text.replace(form, (_, name: string, otherwise: string | undefined) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined || (value === "" && otherwise !== undefined)) return otherwise ?? missing(name);
    used.push([name, value]);
    return value;
  });
  return { text: expanded, used: Object.fromEntries(used) };
}
