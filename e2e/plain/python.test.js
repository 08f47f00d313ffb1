"use strict";

// python3-websockets of Debian has its tests in Python, in clients.py.

const assert = require("node:assert/strict");
const { execFile, execFileSync } = require("node:child_process");
const path = require("node:path");
const { test } = require("node:test");
const { TARGET } = require("../target");

const TEST_MS = 60_000;

// Debian's own interpreter first: another one on the path does not see Debian's packages.
function python() {
  for (const command of ["/usr/bin/python3", "python3"]) {
    try {
      execFileSync(command, ["-c", "import websockets"], { stdio: "ignore" });
      return command;
    } catch {
      continue;
    }
  }
  assert.fail("no Python has the module websockets; on Debian: apt-get install python3-websockets");
}

test("python3-websockets", { timeout: TEST_MS, skip: TARGET === "reference" && "the reference has no plain WebSocket" }, async () => {
  const args = ["-B", "-W", "error::DeprecationWarning:__main__", path.join(__dirname, "clients.py"), "-v"];
  await new Promise((resolve) => {
    execFile(python(), args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      assert.ifError(error && new Error(`${error.message}\n${stdout}${stderr}`));
      resolve();
    });
  });
});
