// Run in the folder where the packages are installed: imports each entry and prints what it exports.
const entries = {};
for (const specifier of process.argv.slice(2)) entries[specifier] = Object.keys(await import(specifier));
console.log(JSON.stringify(entries));
