import { serverBinary } from "../../scripts/restate/server.mjs";

/** Before the files, which run at the same time: no two of them install the server. */
export default function install(): void {
  serverBinary();
}
