// Rules that the type checker cannot know: what the content policy forbids, and how long a file may grow.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const templates = join(here, "..", "web", "templates");
const icons = new Set(JSON.parse(readFileSync(join(here, "icons.json"), "utf8")));
const problems = [];

function files(folder, ending) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

function forbid(file, pattern, why) {
  readFileSync(file, "utf8").split("\n").forEach((line, index) => {
    if (pattern.test(line.replace(/\{%.*?%\}/g, ""))) problems.push(`${file}:${index + 1}: ${why}`);
  });
}

for (const file of files(templates, ".html")) {
  forbid(file, /\sstyle\s*=/i, "style attributes are blocked by the content policy: use a class");
  forbid(file, /<style\b/i, "inline style sheets are blocked by the content policy");
  forbid(file, /<script(?![^>]*\bsrc=)(?![^>]*type="application\/json")/i, "inline scripts are blocked by the content policy");
  forbid(file, /\son[a-z]+\s*=\s*"/i, "event attributes are blocked by the content policy: use a module in assets/src");
  forbid(file, /\shx-on[:=-]/i, "hx-on needs eval, which the content policy blocks");
  forbid(file, /(?:src|href)="(?:https?:)?\/\//i, "remote assets and links do not belong in templates");
  for (const [, name] of readFileSync(file, "utf8").matchAll(/\{% icon "([^"]+)"/g)) {
    if (!icons.has(name)) problems.push(`${file}: icon "${name}" is not in icons.json`);
  }
}

for (const file of files(join(here, "src"), ".ts")) {
  forbid(file, /\bsetAttribute\(\s*"style"|\.cssText\b/, "style attributes are blocked by the content policy: use style.setProperty");
  forbid(file, /\.(?:inner|outer)HTML\s*[+]?=|insertAdjacentHTML/, "build nodes, do not parse strings as HTML");
  const lines = readFileSync(file, "utf8").split("\n").length;
  if (lines > 300) problems.push(`${file}: ${lines} lines; split it (300 at most)`);
}

for (const problem of problems) console.error(problem);
process.exit(problems.length ? 1 : 0);
