"use strict";

// The product behind each proxy, with the files of deploy/ as they are: every client over each transport does the main
// job, on a host of its own and below a prefix.

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { COMBINATIONS, ask, connect, heard } = require("../client");
const { behindProxy, PROXIES } = require("./behind");

for (const name of PROXIES) {
  describe(`behind ${name}`, () => {
    const { proxy } = behindProxy(name);
    for (const prefix of ["", "/chat"]) {
      for (const { version, transport } of COMBINATIONS) {
        test(`a speaker registers, says something and hears it: ${version} ${transport} at ${prefix}/`, async (t) => {
          const how = { version, transport, ca: proxy.ca, path: `${prefix}/socket.io/` };
          const socket = await connect(t, proxy, how);
          socket.heard("news");
          const [answer] = await ask(socket, "f", `${version} ${transport}`);
          assert.equal(answer.name, `${version} ${transport}`);
          const [{ offset }] = await ask(socket, "message", "说:hello !");
          const news = await heard(socket, "news", 1);
          assert.deepEqual([news[0][0], news[0][1].offset], ["说:hello !", offset]);
          const last = transport === "polling" ? "polling" : "websocket";
          assert.equal(socket.io.engine.transport.name, last);
        });
      }
    }
  });
}
