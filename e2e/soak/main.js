"use strict";

// node soak/main.js [--duration 10m] [--clients 30] [--seed TEXT] [--folder DIR]: a run from the command line. The seed is
// printed; with it the plan is the same again, though not the moment at which each byte is on its way.

const { randomBytes } = require("node:crypto");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { parseArgs } = require("node:util");
const { KINDS } = require("./links");
const { soak } = require("./soak");
const { summary } = require("./summary");

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 };

function milliseconds(text) {
  const [, number, unit] = text.match(/^(\d+)([smh])$/) || [];
  if (!number) throw new Error(`the duration is ${text}; it is a number with s, m or h behind it, such as 10m`);
  return number * UNITS[unit];
}

function count(text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`the number of clients is ${text}; it is a whole number above 0`);
  return Number(text);
}

const text = (fallback) => ({ type: "string", default: fallback });

async function main() {
  const { values } = parseArgs({
    options: { duration: text("10m"), clients: text("30"), seed: text(""), folder: text("") },
  });
  const names = Object.keys(KINDS);
  const kinds = Array.from({ length: count(values.clients) }, (_, i) => names[i % names.length]);
  const ms = milliseconds(values.duration);
  const seed = values.seed || randomBytes(6).toString("hex");
  const folder = values.folder ? path.resolve(values.folder) : mkdtempSync(path.join(tmpdir(), "crier-soak-"));
  console.log(`soak: ${kinds.length} clients for ${values.duration}; --seed ${seed}; records in ${folder}`);
  const result = await soak({ ms, kinds, seed, folder });
  console.log(summary(result));
  if (result.findings.length === 0 && !values.folder) rmSync(folder, { recursive: true });
  process.exit(result.findings.length === 0 ? 0 : 1);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
