export { type LibraryDocument, sourceIdOf } from "./document.ts";
export { filesUnder, readDocuments } from "./folder.ts";
export {
  type Hit,
  type Library,
  type LibraryOptions,
  openLibrary,
  type Reader,
  readCharsMax,
  type Standing,
  type Wanted,
} from "./library.ts";
export { passageCharsMax } from "./passage.ts";
export { englishStopWords } from "./words.ts";
