"use strict";

// Builds what is tested and runs the tests with Node's own runner. TARGET=reference tests the tests: the same files
// against npm's socket.io. Arguments name test files, instead of all, or are flags of `node --test`. E2E_CLIENTS=few is the short
// form: one client for each version of the protocol, no soak, no other languages, and little behind proxies.

const { spawnSync } = require("node:child_process");
const { readdirSync } = require("node:fs");
const path = require("node:path");

const ROOT = path.join(__dirname, "..");
const FEW = process.env.E2E_CLIENTS === "few";
const REFERENCE = process.env.TARGET === "reference";
const PROXIES = FEW ? ["proxies"] : ["proxies", "proxies/long"];
const LONG = FEW ? [] : REFERENCE ? ["soak"] : ["soak", "languages"];
const FOLDERS = ["protocol", "tests", "plain", "browser", ...(REFERENCE ? [] : PROXIES), ...LONG];

// The exit code.
function attempt(command, args, cwd) {
  const { status, error, signal } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  if (signal) console.error(`${command} was ended by ${signal}`);
  return status ?? 1;
}

function run(command, args, cwd) {
  const status = attempt(command, args, cwd);
  if (status !== 0) process.exit(status);
}

function build() {
  if (!process.env.E2E_BIN) run("make", ["--no-print-directory", "build"], ROOT);
  run("go", ["build", "-o", path.join("e2e", ".build", "lab"), "./e2e/servers/lab"], ROOT);
}

function allTests() {
  return FOLDERS.flatMap((folder) => readdirSync(path.join(__dirname, folder)).map((name) => path.join(folder, name)))
    .filter((file) => file.endsWith(".test.js"))
    .sort();
}

if (!REFERENCE) build();
const given = process.argv.slice(2);
const flags = given.filter((arg) => arg.startsWith("-"));
const files = given.filter((arg) => !arg.startsWith("-"));
// A file's process ends with its last test. Left to end by itself, Node 20 may wait for ever for a handle that has nothing more to
// come (it turns in Environment::CleanupHandles, with all tests passed).
const tests = ["--test", "--test-force-exit", "--test-reporter=spec", ...flags, ...(files.length ? files : allTests())];
let status = attempt(process.execPath, tests, __dirname);
if (status !== 0 && REFERENCE) {
  // The reference loses a heartbeat now and then when the machine is busy. Crier has no second try.
  console.log("the reference did not keep up; once more");
  status = attempt(process.execPath, tests, __dirname);
}
process.exit(status);
