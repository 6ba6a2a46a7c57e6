/**
 * Shell snippets of a runbook: which lines are commands, and whether a command only looks. What is not known to look
 * counts as a change for whoever decides, since it may be one.
 */

export interface RunbookCommand {
  readonly text: string;
  /** `unknown`: nothing here says that it only looks. */
  readonly kind: "reads" | "changes" | "unknown";
}

const shells: ReadonlySet<string> = new Set(["", "bash", "sh", "shell", "console", "zsh", "shell-session", "terminal"]);

/** Programs that a line of a snippet may begin with although nothing says that the snippet is a shell's. */
const programs: ReadonlySet<string> = new Set(
  "oc kubectl opsctl curl wget cat grep awk sed jq ssh scp sudo systemctl journalctl crictl podman docker helm ceph rados rbd etcdctl ovs-vsctl ovn-nbctl ovn-sbctl openssl ip ping dig nslookup ps df du free top ls cd export echo for while if rm mv cp kill pkill virtctl gsutil aws az gcloud ibmcloud git make psql mysql redis-cli rabbitmqctl promtool amtool chronyc ethtool nmcli iptables tcpdump watch date test sleep touch tail head sort uniq xargs tee find".split(
    " ",
  ),
);

/** What looks, by program; for those that have verbs, see `readVerbs`. */
const readers: ReadonlySet<string> = new Set(
  "cat grep egrep awk jq yq ps df du free top ls cd echo ping dig nslookup tail head sort uniq wc cut tr watch date test sleep journalctl tcpdump find column less more base64 which uname uptime export env printf true host traceroute".split(
    " ",
  ),
);
const verbed: ReadonlySet<string> = new Set([
  "oc",
  "kubectl",
  "opsctl",
  "systemctl",
  "crictl",
  "podman",
  "docker",
  "helm",
  "etcdctl",
  "ceph",
  "amtool",
  "virtctl",
  "git",
]);
const readVerbs: ReadonlySet<string> = new Set(
  "get describe logs log explain top whoami version status show list ls inspect api-resources api-versions must-gather node-logs is-active cat diff events cluster-info ps images pods check metrics health wait config view df osd mon tell history".split(
    " ",
  ),
);
const changeVerbs: ReadonlySet<string> = new Set(
  "delete scale patch drain cordon uncordon apply create edit replace rollout restart stop start enable disable annotate label set taint approve rm run kill mv repair install upgrade rollback uninstall expose autoscale process new-app import-image remove add put del purge snapshot defrag adopt prune import extract migrate".split(
    " ",
  ),
);
const changers: ReadonlySet<string> = new Set(
  "rm mv cp kill pkill tee touch chmod chown mkdir dd mkfs reboot shutdown truncate".split(" "),
);

/** What a shell writes before it waits: `$ `, `sh-5.1# `, `[root@node-7 ~]# `. A `#` alone begins a remark. */
const prompt = /^(?:\$|(?:sh-[\d.]+|\[[^\]\n]{1,60}\]|[\w.-]+@[\w.-]+[^\s$#]{0,40})\s*[$#])\s+/;

/** The commands of one snippet. Of a language that is no shell's there are none. */
export function commandsIn(language: string, body: string): readonly RunbookCommand[] {
  const name = language.trim().toLowerCase();
  if (!shells.has(name)) return [];
  const lines = body.split("\n");
  const prompted = lines.some((line) => prompt.test(line.trim()));
  const sure = !prompted && name !== "" && name !== "console";
  const found: RunbookCommand[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").trim();
    const first = line.replace(prompt, "");
    if (line === "" || (line.startsWith("#") && first === line)) continue;
    // What stands below a prompt without one is what the command said.
    if (prompted && first === line) continue;
    if (!prompted && !(sure ? looksLikeCommand(first) : isProgram(first))) continue;
    const parts = [first];
    while (parts.length < continuedMax && goesOn(parts.join("\n")) && at + 1 < lines.length) {
      at += 1;
      parts.push((lines[at] ?? "").trim().replace(/^>\s/, ""));
    }
    // What is fed to a command is no command.
    const here = /<<-?\s*["']?(\w+)["']?/.exec(parts.join("\n"))?.[1];
    if (here !== undefined) {
      while (at + 1 < lines.length && (lines[at + 1] ?? "").trim() !== here) at += 1;
      at += 1;
    }
    found.push(
      commandOf(
        parts
          .join("\n")
          .replaceAll(/\\\n\s*/g, "")
          .replaceAll("\n", " "),
      ),
    );
  }
  return found;
}

/** In a shell's own snippet a line is a command unless it looks like what one has said: `status: ok`, `]`, `sum(rate(…))`. */
function looksLikeCommand(line: string): boolean {
  return /^(?:\w+=|[a-z./~][\w./-]*(?:\s|$))/.test(line) && !/^(?:else|fi|done|do|then|local)\b/.test(line);
}

const continuedMax = 60;

function goesOn(text: string): boolean {
  if (/(?:\\|\||&&)$/.test(text)) return true;
  const quoted = text.replaceAll(/\\./gs, "");
  const bare = quoted.replaceAll(/"[^"]*"|'[^']*'/g, "");
  return /["']/.test(bare);
}

/** A command in the text of a step, between back-ticks, where it is one. */
export function inlineCommands(text: string): readonly RunbookCommand[] {
  return [...text.matchAll(/`([^`\n]{3,300})`/g)].flatMap(([, code = ""]) => {
    const line = code.trim().replace(/^\$ /, "");
    return /\s/.test(line) && isProgram(line) ? [commandOf(line)] : [];
  });
}

function isProgram(line: string): boolean {
  return programs.has(wordsIn(line)[0] ?? "");
}

function commandOf(given: string): RunbookCommand {
  const text = given.replaceAll(/^`|`>?$/g, "");
  const parts = partsIn(text);
  const kinds = parts.map(kindOf);
  const writes = parts.some((part) => />{1,2}\s*(?!\/dev\/null)[^\s&>|]/.test(part.replaceAll(/\d?>&\d/g, "")));
  if (kinds.includes("changes") || writes) return { text, kind: "changes" };
  return { text, kind: kinds.length > 0 && kinds.every((kind) => kind === "reads") ? "reads" : "unknown" };
}

const nestedMax = 8;

/** Each program of a pipe or a chain, and what is run inside of it; quoted texts and placeholders such as `<name>` stand as X. */
function partsIn(text: string): readonly string[] {
  let outer = text.replaceAll(/'[^']*'/g, "X").replaceAll(/<[\w][\w .:/-]*>/g, "X");
  const inner: string[] = [];
  for (let depth = 0; depth < nestedMax; depth++) {
    const before = outer;
    outer = outer.replaceAll(/\$\(([^()]*)\)|`([^`]*)`/g, (_, one?: string, other?: string) => {
      inner.push(one ?? other ?? "");
      return "X";
    });
    if (outer === before) break;
  }
  // What is left open is not understood.
  if (outer.includes("$(")) return [...inner, outer, "?"];
  return [outer, ...inner]
    .map((one) => one.replaceAll(/"[^"]*"/g, "X"))
    .flatMap((one) => one.split(/\|\||&&|[|;]/))
    .filter((one) => one.trim() !== "");
}

function kindOf(part: string): RunbookCommand["kind"] {
  const words = wordsIn(part);
  const [program = ""] = words;
  if (/^\w+=\S*$/.test(part.trim())) return "reads";
  if (program === "xargs" || program === "sudo" || program === "watch") {
    return words.length > 1
      ? kindOf(
          words
            .slice(1)
            .filter((word) => !word.startsWith("-"))
            .join(" "),
        )
      : "unknown";
  }
  if (changers.has(program)) return "changes";
  if (program === "sed") return /\s-i/.test(part) ? "changes" : "reads";
  if (program === "curl") return /\s(?:-X|--request|-d|--data\S*|-F|-T)\b/.test(part) ? "changes" : "reads";
  if (verbed.has(program)) {
    const verbs = words.slice(1).filter((word) => /^[a-z][a-z-]*$/.test(word));
    const verb = verbs.find((word) => changeVerbs.has(word) || readVerbs.has(word));
    // Whatever runs inside of something else may do anything.
    if (verbs.some((word) => word === "exec" || word === "rsh" || word === "debug")) return "unknown";
    if (verb === "rollout" && /\brollout\s+(?:status|history)\b/.test(part)) return "reads";
    if (verb === undefined) return "unknown";
    return changeVerbs.has(verb) ? "changes" : "reads";
  }
  return readers.has(program) ? "reads" : "unknown";
}

function wordsIn(text: string): readonly string[] {
  return text
    .trim()
    .replace(/^(?:\w+=\S*\s+)+/, "")
    .split(/\s+/);
}
