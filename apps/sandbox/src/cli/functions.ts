import { SandboxError } from "../errors.ts";
import { count } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";

/** What a person said about function-calling conversations, beside what `run` takes anyway. */
export interface FunctionsWish {
  readonly bfcl?: string;
}
interface Options extends FunctionsWish {
  readonly model?: string;
  readonly filter?: string;
  readonly json?: boolean;
}

/**
 * Plays function-calling conversations. The exit code is 1 when a schema took a wrong call or refused a right one, and when
 * a conversation or a request did not come out right.
 * @throws SandboxError `usage/wrong`, `scenario/unknown`; BfclError; ToolsError
 */
export async function runFunctions(options: Options, { place, out, err, json }: Context): Promise<ExitCode> {
  const { loadBfcl } = await import("../bfcl/load.ts");
  const { runBfcl } = await import("../bfcl/bench.ts");
  const { bfclModels } = await import("../bfcl/model.ts");
  const { bfclLines } = await import("../bfcl/report.ts");
  const model = bfclModels.find((one) => one === (options.model ?? "oracle"));
  if (model === undefined) {
    throw new SandboxError("usage/wrong", {
      reason: `function-calling conversations are played with --model ${bfclModels.join(" or ")}, not "${options.model}"`,
    });
  }
  const all = loadBfcl(place.resolve(options.bfcl as string));
  const wanted = ({ id }: { readonly id: string }) => options.filter === undefined || id.includes(options.filter);
  const folder = {
    folder: all.folder,
    conversations: all.conversations.flatMap(({ name, conversations }) => {
      const some = conversations.filter(wanted);
      return some.length === 0 ? [] : [{ name, conversations: some }];
    }),
    requests: all.requests.flatMap(({ name, requests }) => {
      const some = requests.filter(wanted);
      return some.length === 0 ? [] : [{ name, requests: some }];
    }),
  };
  const conversations = folder.conversations.reduce((sum, one) => sum + one.conversations.length, 0);
  const requests = folder.requests.reduce((sum, one) => sum + one.requests.length, 0);
  if (conversations + requests === 0) throw new SandboxError("scenario/unknown", { filter: options.filter ?? "" });
  const screen = options.json === true ? err : out;
  const progress = screen.live ? screen : undefined;
  if (options.json !== true) {
    const { strong, quiet } = out.paint;
    out.print(
      `${strong("Function-calling conversations")} ${quiet(`· ${model} · ${count(conversations, "conversation")}, ${count(requests, "request")}`)}`,
    );
  }
  const report = await runBfcl({
    folder,
    model,
    ...(progress ? { onProgress: (done, total) => progress.status(`  ${done} of ${total}`) } : {}),
  });
  progress?.status("");
  const exitCode = report.ok ? 0 : 1;
  if (options.json === true) json({ command: "run", exitCode, ...report });
  else out.print(...bfclLines(report));
  return exitCode;
}
