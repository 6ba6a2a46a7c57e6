import { jsonFiles } from "../json-file.ts";
import { DojoError } from "./errors.ts";

/** Reads the files of suites. @throws DojoError `dojo/file-missing`, `dojo/file-broken` */
export const { readJson, readLines } = jsonFiles({
  missing: (message, data) => new DojoError("dojo/file-missing", message, { data }),
  broken: (message, data, cause) => new DojoError("dojo/file-broken", message, { data, cause }),
});
