// Builds the pages' scripts from page/ into dist/ (or the folder given by --out), which the Go program embeds.
// The same sources and lock file give the same bytes.
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf("--out");
const out = flag > 0 ? resolve(process.argv[flag + 1] ?? "") : join(here, "dist");

// A phone on a bad network must have the signing page within a second or two.
const budget = 60 * 1024; // bytes of one page's script, before compression

await build({
  entryPoints: ["sign", "link", "live"].map((name) => join(here, "page", `${name}.ts`)),
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari16"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  tsconfig: join(here, "tsconfig.json"),
});

for (const name of ["sign.js", "link.js", "live.js"]) {
  const path = join(out, name);
  const { size } = statSync(path);
  console.log(`${name}  ${size} bytes, ${gzipSync(readFileSync(path)).length} compressed`);
  if (size > budget) {
    console.error(`${name} is larger than ${budget} bytes`);
    process.exitCode = 1;
  }
}
