"use strict";

// Builds what is tested and runs the tests with Node's own runner. TARGET=reference tests the tests: the same files
// against npm's socket.io. Arguments name test files, instead of all, or are flags of `node --test`.

const { spawnSync } = require("node:child_process");
const { readdirSync } = require("node:fs");
const path = require("node:path");

const ROOT = path.join(__dirname, "..");
const FOLDERS = ["tests", "plain", "browser"];

function run(command, args, cwd) {
  const { status, error, signal } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  if (signal) console.error(`${command} was ended by ${signal}`);
  if (status !== 0) process.exit(status || 1);
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

if (process.env.TARGET !== "reference") build();
const given = process.argv.slice(2);
const flags = given.filter((arg) => arg.startsWith("-"));
const files = given.filter((arg) => !arg.startsWith("-"));
run(process.execPath, ["--test", "--test-reporter=spec", ...flags, ...(files.length ? files : allTests())], __dirname);
