"use strict";

// The frame of the test files: one body per promise, run with each client over each transport.

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const { COMBINATIONS, ask, connect } = require("./client");

const TEST_MS = 20_000;
const BROWSER_TEST_MS = 45_000;

// The body gets the test context and {version, transport}. What takes its time by nature runs `together`.
function everyClient(promise, body, { of = COMBINATIONS, together = false } = {}) {
  describe(promise, { concurrency: together ? of.length : 1 }, () => {
    for (const how of of) {
      test(`${how.version} ${how.transport}`, { timeout: TEST_MS }, (t) => body(t, how));
    }
  });
}

function promise(name, body) {
  test(name, { timeout: TEST_MS }, body);
}

function browserPromise(name, body) {
  test(name, { timeout: BROWSER_TEST_MS }, body);
}

// For tests that speak Engine.IO by hand: the body gets the test context and the version.
function bothVersions(name, body) {
  for (const eio of [3, 4]) promise(`${name} (EIO ${eio})`, (t) => body(t, eio));
}

// What the laboratory's journal says of the end of the socket with this tag: {reason, rooms, left}.
async function ending(t, lab, tag) {
  const journal = await connect(t, lab, { version: "4.8.4", transport: "websocket", namespace: "/journal" });
  const [note] = await ask(journal, "ending", tag);
  return note;
}

async function assertReason(t, lab, tag, reason) {
  assert.equal((await ending(t, lab, tag)).reason, reason);
}

// The session is over: its id is unknown.
async function assertGone(session) {
  const { status, body } = await session.get();
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), { code: 1, message: "Session ID unknown" });
}

// A server for all tests of a file: the answer's fields are there once the tests run.
function serverFor(start) {
  const server = {};
  before(async () => Object.assign(server, await start()), { timeout: TEST_MS });
  after(() => server.stop?.(), { timeout: TEST_MS });
  return server;
}

module.exports = { assertGone, assertReason, bothVersions, browserPromise, ending, everyClient, promise, serverFor };
