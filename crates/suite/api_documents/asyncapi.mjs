// Validates an AsyncAPI document. Arguments: its file, and the folder of the tools.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [file, tools] = process.argv.slice(2);
const { Parser } = createRequire(`${tools}/`)("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
const [ERROR, WARNING] = [0, 1];
const found = diagnostics.filter(({ severity }) => severity === ERROR || severity === WARNING);
for (const { code, message, path } of found) console.error(`${code}: ${message} (${path.join(".")})`);
if (!document || found.length) process.exit(1);
console.log(`AsyncAPI ${document.version()}, ${document.channels().length} channels`);
