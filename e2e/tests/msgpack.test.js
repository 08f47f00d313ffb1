"use strict";

// Clients with socket.io-msgpack-parser beside those with the JSON parser. The other tests run with both; these are about
// the two together, and are part of the short form. The reference has one parser for all clients.

const assert = require("node:assert/strict");
const { COMBINATIONS, MSGPACK, TRANSPORTS, ask, bytes, connect, heard, isMsgpack } = require("../client");
const { everyClient, serverFor } = require("../suite");
const { registered } = require("../speakers");
const { TARGET, startLab, startProduct } = require("../target");

const ONES = Object.keys(MSGPACK).flatMap((version) => Object.keys(TRANSPORTS).map((transport) => ({ version, transport })));
const OTHERS = COMBINATIONS.filter(({ version }) => !isMsgpack(version));
const OF = { of: TARGET === "crier" ? ONES : [] };

const lab = serverFor(() => startLab());

everyClient(
  "a room of clients of both parsers hears all of them, with bytes in their places",
  async (t, how) => {
    const room = `room ${how.version} ${how.transport}`;
    const members = await Promise.all([how, ...OTHERS].map((other) => connect(t, lab, { ...other, early: true })));
    for (const socket of members) socket.heard("said");
    await Promise.all(members.map((socket) => ask(socket, "join", room)));
    for (const [i, socket] of members.entries())
      await ask(socket, "say", { everyone: true, to: [room] }, "said", i, { list: [Buffer.from([i, 255]), null, "说"] }, Buffer.alloc(0));
    for (const socket of members) {
      for (const [i, [n, deep, empty]] of (await heard(socket, "said", members.length)).entries()) {
        assert.equal(n, i, `${socket.version} hears them in order`);
        assert.deepEqual([...bytes(deep.list[0])], [i, 255]);
        assert.deepEqual(deep.list.slice(1), [null, "说"]);
        assert.equal(bytes(empty).length, 0);
      }
    }
  },
  OF,
);

everyClient(
  "values that JSON lacks come as JSON.stringify would have them",
  async (t, how) => {
    const socket = await connect(t, lab, how);
    const date = new Date(Date.UTC(2026, 10, 30, 5, 45, 23, 7));
    const sent = [date, [undefined, NaN, Infinity, -1.5, 2 ** 53 - 1], { gone: undefined, here: false }];
    assert.deepEqual(await ask(socket, "echo", ...sent), JSON.parse(JSON.stringify(sent)));
  },
  OF,
);

everyClient(
  "what was missed and what is read backwards is the same for both",
  async (t, how) => {
    const server = await startProduct();
    t.after(() => server.stop());
    const json = await registered(t, server, { version: "4.8.4", transport: "websocket" }, "json");
    const base = json.answer.offset;
    await ask(json, "message", { by: "json", raw: Buffer.from([1, 2]) });
    const packed = await registered(t, server, how, "packed", { since: base });
    await ask(packed, "message", { by: "msgpack", raw: Buffer.from([3]) });
    const late = await registered(t, server, { version: "4.8.4", transport: "polling" }, "late", { since: base });
    for (const socket of [packed, late]) {
      const said = (await heard(socket, "news", 2)).map(([{ by, raw }]) => [by, ...bytes(raw)]);
      assert.deepEqual(said, [["json", 1, 2], ["msgpack", 3]]);
      const [page] = await ask(socket, "history", { limit: 2 });
      assert.deepEqual(page.entries.map(({ data }) => [data.by, ...bytes(data.raw)]), said);
    }
  },
  OF,
);
