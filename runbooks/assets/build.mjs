// Builds everything under runbooks/static/opsaas/: one CSS file purged down to the classes we use, one script per kind
// of page, one icon sprite. `--watch` rebuilds on change.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { PurgeCSS } from "purgecss";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "..", "web");
const out = join(here, "..", "static", "opsaas");

const STYLES = ["app.css", "log.css"];
const SCRIPTS = ["theme.ts", "app.ts", "log.ts", "editor.ts", "run_form.ts"];
const USES_CLASSES = [`${web}/templates/**/*.html`, `${web}/**/*.py`, `${here}/src/**/*.ts`];
const BROWSERS = ["chrome123", "firefox128", "safari17.5"];

function report(name, content) {
  const text = Buffer.from(content);
  console.log(`${name.padEnd(12)} ${kilobytes(text.length)} kB, ${kilobytes(gzipSync(text).length)} kB compressed`);
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1).padStart(6);
}

/** Tabler draws ticks and arrows with data: URLs, which `default-src 'self'` blocks: they become files of our own. */
function dataUrlsToFiles(css) {
  return css.replace(/url\("?data:image\/svg\+xml,(.*?)"?\)(?=[\s,;}!])/g, (_, encoded) => {
    const svg = decodeURIComponent(encoded.replaceAll('\\"', '"'));
    const name = `${createHash("sha256").update(svg).digest("hex").slice(0, 12)}.svg`;
    mkdirSync(join(out, "img"), { recursive: true });
    writeFileSync(join(out, "img", name), svg);
    return `url("img/${name}")`;
  });
}

/** Tabler, cut down to what templates, Python and scripts name. Its own layer, so that ours wins whatever the order. */
async function tablerStyles() {
  const raw = readFileSync(join(here, "node_modules/@tabler/core/dist/css/tabler.min.css"), "utf8");
  const [purged] = await new PurgeCSS().purge({
    content: USES_CLASSES,
    css: [{ raw }],
    safelist: [/^htmx-/],
    variables: true,
    keyframes: true,
  });
  return `@layer tabler {${purged.css.replace('@charset "UTF-8";', "")}}`;
}

async function buildStyles() {
  for (const name of STYLES) {
    const ours = await esbuild.build({ entryPoints: [join(here, "css", name)], bundle: true, write: false });
    const text = (name === "app.css" ? await tablerStyles() : "") + ours.outputFiles[0].text;
    const minified = await esbuild.transform(text, { loader: "css", minify: true, legalComments: "none", target: BROWSERS });
    const css = dataUrlsToFiles(minified.code);
    if (css.includes("data:")) throw new Error(`${name} still holds a data: URL, which the content policy blocks`);
    writeFileSync(join(out, name), css);
    report(name, css);
  }
}

async function buildScripts() {
  for (const name of SCRIPTS) {
    const result = await esbuild.build({
      entryPoints: [join(here, "src", name)],
      bundle: true,
      write: false,
      minify: true,
      format: "iife",
      legalComments: "none",
      target: BROWSERS,
    });
    const script = result.outputFiles[0].text;
    writeFileSync(join(out, name.replace(/\.ts$/, ".js")), script);
    report(name, script);
  }
}

function buildIcons() {
  const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
  const symbols = names.map((name) => {
    const file = join(here, "node_modules/@tabler/icons/icons/outline", `${name}.svg`);
    const body = readFileSync(file, "utf8")
      .replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, "")
      .replace(/<path stroke="none"[^>]*>/, "")
      .replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`;
  });
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  writeFileSync(join(out, "icons.svg"), sprite);
  report("icons.svg", sprite);
}

async function build() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  buildIcons();
  writeFileSync(join(out, "mark.svg"), readFileSync(join(here, "mark.svg")));
  await Promise.all([buildStyles(), buildScripts()]);
}

await build();

if (process.argv.includes("--watch")) {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => build().catch((error) => console.error(error.message)), 150);
  };
  for (const folder of [join(here, "css"), join(here, "src"), join(web, "templates")]) watch(folder, { recursive: true }, again);
  console.log("watching");
}
