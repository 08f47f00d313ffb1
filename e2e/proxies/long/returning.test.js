"use strict";

// Crier is told to stop while clients are there, and starts again: all come back through the proxy.

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { COMBINATIONS, ask, connect, heard } = require("../../client");
const { dataFolder } = require("../../target");
const { PROXIES, startBehind } = require("../behind");
const { request } = require("../requests");
const { startProxy } = require("../start");

const AT_ONCE = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, randomizationFactor: 0 };

describe("after SIGTERM and a start of Crier all clients come back", () => {
  for (const name of PROXIES) {
    test(`through ${name}`, { timeout: 60_000 }, async (t) => {
      const env = { CRIER_DATA: dataFolder() };
      let product = await startBehind(env);
      t.after(() => product.stop());
      const proxy = await startProxy(name, { upstream: product.port });
      t.after(() => proxy.stop());
      const sockets = await Promise.all(
        COMBINATIONS.map((how) => connect(t, proxy, { ...how, ...AT_ONCE, ca: proxy.ca })),
      );

      for (const socket of sockets) socket.heard("connect");
      await product.stop();
      // Caddy lets a request wait for Crier; the others say at once that it is not there, and must try again all the same.
      const meanwhile = request(proxy, "/healthz");
      if (name !== "caddy") assert.ok([502, 503].includes((await meanwhile).status));
      product = await startBehind(env, product.port);
      assert.ok((await meanwhile).status === 200 || name !== "caddy");

      for (const socket of sockets) {
        await heard(socket, "connect", 1);
        const [{ offset }] = await ask(socket, "message", "back again");
        assert.ok(offset > 0);
      }
    });
  }
});
