"use strict";

// The tests of the protocol again and again, beside a process that keeps all cores busy: what holds by luck of timing shows.
// They run against Crier, whose servers must have been built (npm test does that); TARGET=reference as everywhere.
// RUNS (10) is how often.

const { spawn, spawnSync } = require("node:child_process");
const { readdirSync } = require("node:fs");
const path = require("node:path");

const RUNS = Number(process.env.RUNS || 10);
const FOLDER = path.join(__dirname, "protocol");
const SPIN = `
  const { Worker } = require("node:worker_threads");
  for (let n = 1; n < require("node:os").availableParallelism(); n++) new Worker("for (;;);", { eval: true });
  process.on("disconnect", () => process.exit()); // this thread turns too, and looks now and then
  const turn = () => { for (const end = Date.now() + 50; Date.now() < end;); setImmediate(turn); };
  turn();
`;

// What it prints is shown when it fails.
function runOnce(files) {
  const args = ["--test", "--test-force-exit", "--test-reporter=spec", ...files];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: __dirname, maxBuffer: 1 << 26 });
  if (status !== 0) console.log(stdout.toString());
  return status === 0;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.js")).map((name) => path.join(FOLDER, name));
// It ends with this process, however that ends: then the channel is closed.
const load = spawn(process.execPath, ["-e", SPIN], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
process.on("exit", () => load.kill("SIGKILL"));

const failed = [];
for (let run = 1; run <= RUNS; run++) {
  console.log(`the protocol under load, run ${run} of ${RUNS}`);
  if (!runOnce(files)) failed.push(run);
}
console.log(failed.length ? `failed in runs ${failed.join(", ")} of ${RUNS}` : `passed in all ${RUNS} runs`);
process.exit(failed.length ? 1 : 0);
