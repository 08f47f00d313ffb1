"use strict";

// A client that says nothing and hears nothing for as long as Crier lets it is not cut off by the proxy.

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");
const { COMBINATIONS, ask, connect } = require("../../client");
const { PROXIES, behindProxy } = require("../behind");

// With the defaults nothing may come for ping_interval + ping_timeout, 45 s; here nothing comes for 50 s.
const QUIET = { CRIER_PING_INTERVAL: "50s", CRIER_PING_TIMEOUT: "20s" };
const QUIET_MS = 62_000;

describe("after a minute without a word clients are still there", { concurrency: true }, () => {
  for (const name of PROXIES) {
    describe(`behind ${name}`, { concurrency: true }, () => {
      const { proxy } = behindProxy(name, QUIET);
      for (const how of COMBINATIONS) {
        test(`${how.version} ${how.transport}`, { timeout: QUIET_MS + 30_000 }, async (t) => {
          const socket = await connect(t, proxy, { ...how, ca: proxy.ca });
          const ends = socket.heard("disconnect");
          await sleep(QUIET_MS);
          assert.deepEqual(ends, []);
          const [{ offset }] = await ask(socket, "message", "still here");
          assert.ok(offset > 0);
        });
      }
    });
  }
});
