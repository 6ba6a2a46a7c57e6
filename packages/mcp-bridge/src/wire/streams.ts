import type { Readable, Writable } from "node:stream";
import type { Channel, ChannelEnd, OpenChannel } from "./channel.ts";
import { lineWriter, readLines } from "./lines.ts";

export interface StreamsChannelOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly messageBytes: number;
  /** Awaited when the input has ended, before the channel ends: answers may still be written meanwhile. Never rejects. */
  readonly drained: () => Promise<void>;
}

/** A channel over a pair of streams that somebody else owns: the serving side of stdio. They are not destroyed. */
export function streamsChannel({ input, output, messageBytes, drained }: StreamsChannelOptions): OpenChannel {
  return (listener) => {
    let ended = false;
    const end = (cause: ChannelEnd["cause"], reason: string) => {
      if (ended) return;
      ended = true;
      lines.stop();
      input.pause(); // A paused standard input does not keep the process alive.
      input.off("end", inputEnded);
      listener.end({ cause, reason });
    };
    const inputEnded = () => {
      void drained().then(() => end("lost", "the input ended"));
    };
    const lines = readLines(input, messageBytes, {
      message: listener.message,
      noise: listener.noise,
      overflow: (bytes) => end("overflow", `a message of ${bytes} bytes or more exceeds ${messageBytes}`),
    });
    input.once("end", inputEnded);
    input.once("error", (error) => end("lost", `the input broke: ${error.message}`));
    output.on("error", (error) => end("lost", `the output broke: ${error.message}`));
    const channel: Channel = {
      processId: undefined,
      ...lineWriter(output),
      close: async () => end("closed", "the server was closed"),
    };
    return channel;
  };
}
