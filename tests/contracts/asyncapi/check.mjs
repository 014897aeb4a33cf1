// Reads AsyncAPI documents by the official parser; what it finds of each goes to stdout.
//
//   node check.mjs FILE…

import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const told = [];
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
  told.push({
    channels: document === undefined ? 0 : document.channels().all().length,
    // 0 an error, 1 a warning, 2 information, 3 a hint
    found: diagnostics.map(({ code, severity, message, path }) => ({
      code,
      severity,
      message,
      at: path.join("/"),
    })),
  });
}
process.stdout.write(JSON.stringify(told));
