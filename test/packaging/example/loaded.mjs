// Run in the folder where the packages are installed: imports what is named and prints the files that this loads, without
// Node's own modules.
import { registerHooks } from "node:module";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const loaded = new Set();
registerHooks({
  load: (url, context, next) => {
    if (url.startsWith("file:")) loaded.add(relative("node_modules", fileURLToPath(url)).split(sep).join("/"));
    return next(url, context);
  },
});
for (const specifier of process.argv.slice(2)) await import(specifier);
console.log(JSON.stringify([...loaded]));
