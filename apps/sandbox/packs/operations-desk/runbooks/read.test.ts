import { describe, expect, test } from "vitest";
import { commandsIn } from "./command.ts";
import { readRunbook } from "./read.ts";
import { writeRunbooks } from "./write.ts";

const read = (markdown: string) => readRunbook(markdown, "test.md", "test");
const codeOf = (act: () => unknown) => {
  try {
    act();
  } catch (thrown) {
    return (thrown as { readonly code: string }).code;
  }
  return "nothing thrown";
};

describe("our own runbooks", () => {
  const pages = writeRunbooks(1, "2026-06-08");

  test("are the same for the same seed, and others for another", () => {
    expect(writeRunbooks(1, "2026-06-08")).toEqual(pages);
    expect(writeRunbooks(2, "2026-06-08")).not.toEqual(pages);
  });

  test("are read with head, steps, operations, warnings, links and tables", () => {
    const page = pages.find(({ path }) => path.startsWith("RB-108"));
    expect(readRunbook(page?.markdown ?? "", "RB-108", "x")).toMatchObject({
      runbookId: "RB-108",
      title: "VolumeTooSmall: what to do",
      status: "current",
      alerts: ["VolumeTooSmall"],
      steps: [
        { step: 1, section: "Steps", operation: undefined, commands: [{ kind: "reads" }, { kind: "reads" }] },
        { step: 2, operation: { operation: "rotate_logs", setting: undefined } },
        { step: 3, operation: { operation: "expand_volume", setting: undefined } },
      ],
      links: [expect.stringMatching(/^https:/)],
      tables: 1,
    });
    const warnings = readRunbook(page?.markdown ?? "", "RB-108", "x").warnings.join("\n");
    expect(warnings).toMatch(/Do not.*expand a volume before/);
  });

  test("a setting is part of the operation", () => {
    const page = pages.find(({ path }) => path.startsWith("RB-105"));
    const [, step] = readRunbook(page?.markdown ?? "", "RB-105", "x").steps;
    expect(step?.operation).toEqual({ operation: "set_queue_consumers", setting: 3 });
  });
});

describe("what people write", () => {
  test("lists, snippets in lists, snippets behind a paragraph, indented snippets", () => {
    const found = read(
      [
        "# Slow disk",
        "## Diagnosis",
        "Look at it:",
        "",
        "    oc get nodes",
        "",
        "1. First `kubectl get pods -A`",
        "",
        "   ```console",
        "   $ oc logs x",
        "   some answer",
        "   ```",
        "   - a bullet below it",
        "2) Second",
        "",
        "Then:",
        "~~~sh",
        "oc delete pod x \\",
        "  --wait",
        "~~~",
      ].join("\r\n"),
    );
    expect(found.title).toBe("Slow disk");
    expect(found.steps.map(({ text, commands }) => [text.split("\n")[0], commands.map((one) => one.text)])).toEqual([
      ["Look at it:", ["oc get nodes"]],
      ["First `kubectl get pods -A`", ["kubectl get pods -A", "oc logs x"]],
      ["Second", []],
      ["Then:", ["oc delete pod x --wait"]],
    ]);
    expect(found.commands).toHaveLength(4);
  });

  test("without list and snippet the paragraphs that say what to do are the steps; nothing is made up", () => {
    const prose = read("# A\n\n## Impact\n\nBad.\n\n## Mitigation\n\nCall the owner.\n\nWait for them.\n");
    expect(prose.steps.map(({ text }) => text)).toEqual(["Call the owner.", "Wait for them."]);
    expect(read("# Moved\n\nSee [there](x.md).").steps).toEqual([]);
    expect(read("nothing but a line").title).toBe("nothing but a line");
    expect(read("")).toMatchObject({ title: "test", steps: [], commands: [], revision: 0, reviewedOn: undefined });
  });

  test("a runbook that says it is deprecated is retired", () => {
    expect(read("# Old one [Deprecated]\n").status).toBe("retired");
    expect(read("---\nstatus: retired\n---\n# Old one\n").status).toBe("retired");
  });

  test("a step that names two operations, one of another form, or one with a wrong setting names none", () => {
    const step = (...lines: string[]) =>
      read(`1. Do\n\n   \`\`\`sh\n   ${lines.join("\n   ")}\n   \`\`\`\n`).steps[0]?.operation;
    expect(step("opsctl restart-service --service $SERVICE")).toEqual({ operation: "restart_service" });
    expect(step("opsctl restart-service --service $SERVICE", "opsctl rotate-logs --node $NODE")).toBeUndefined();
    expect(step("opsctl restart-service --service svc-ledger")).toBeUndefined();
    expect(step("opsctl restart-service --service $SERVICE --add 3")).toBeUndefined();
    expect(step("opsctl scale-service --service $SERVICE")).toBeUndefined();
    expect(step("opsctl restart-service --service $SERVICE; rm -rf /")).toBeUndefined();
    expect(step("opsctl constructor --service $SERVICE")).toBeUndefined();
  });

  test("hostile texts: never closed, far too long, a head that is none", () => {
    expect(read("# A\n```sh\noc get pods").commands).toEqual([{ text: "oc get pods", kind: "reads" }]);
    expect(read("```promql\nup\n``\n\n```sh\noc get pods\n```\n").commands).toHaveLength(1);
    for (const one of [
      " ",
      "# ",
      "\t",
      "`",
      "(",
      "[",
      "](",
      "<",
      "$(",
      "|---",
      "1. ",
      ">",
      '"',
      "---\n",
      "```\n",
      "a'",
    ]) {
      const found = read(
        `# A\n${one.repeat(100_000)}x\n\`\`\`sh\noc x ${one.repeat(20_000)}\n\`\`\`\n#${" ".repeat(100_000)}x`,
      );
      expect(found.title).toBe("A");
    }
    expect(read(`# A\n${"- ".repeat(50_000)}\n${"`".repeat(50_000)}\n${"(".repeat(50_000)}`).title).toBe("A");
    expect(codeOf(() => read("x".repeat(1_000_001)))).toBe("runbook/not-read");
    for (const head of ["id: [", "id: 3", "reviewed: yesterday", "status: gone", "a: &a [*a, *a]\nid: *b"]) {
      expect(codeOf(() => read(`---\n${head}\n---\n# A\n`))).toBe("runbook/not-read");
    }
  });
});

describe("commands", () => {
  const kinds = (body: string, language = "sh") => commandsIn(language, body).map(({ kind }) => kind);

  test("what only looks, what changes, and what nobody knows", () => {
    expect(
      kinds("oc get pods -n <namespace> | grep x\noc adm node-logs n\nNODE=$(oc get nodes | jq '.items[](0)')"),
    ).toEqual(["reads", "reads", "reads"]);
    expect(
      kinds(
        "oc delete pod x\noc get pods | xargs oc delete pod\noc adm drain n\necho 1 > /proc/x\nX=$(oc scale d --replicas=0)",
      ),
    ).toEqual(["changes", "changes", "changes", "changes", "changes"]);
    expect(kinds("oc exec -it pod -- bash\nsome-tool --fix\necho $(unknown-tool)")).toEqual([
      "unknown",
      "unknown",
      "unknown",
    ]);
  });

  test("answers, remarks and what is fed to a command are none", () => {
    expect(commandsIn("console", "$ oc get x\nNAME  READY\nx     1/1\nsh-5.1# ceph -s\n")).toHaveLength(2);
    expect(commandsIn("sh", "# first\noc apply -f - <<EOF\nkind: Pod\nrm: -rf\nEOF\noc get x")).toEqual([
      { text: "oc apply -f - <<EOF", kind: "changes" },
      { text: "oc get x", kind: "reads" },
    ]);
    expect(commandsIn("yaml", "oc get x")).toEqual([]);
    expect(commandsIn("", "status: ok\noc get x")).toHaveLength(1);
  });
});
