"use strict";

// Engine.IO, "Handshake": what opens a session, what the server tells, and what it refuses.

const assert = require("node:assert/strict");
const { Polling, refusal, request } = require("../raw");
const { bothVersions, promise } = require("../suite");
const { MAX_PAYLOAD, PING_INTERVAL, PING_TIMEOUT, assertNoWebSocket, dialed, laboratory, quick } = require("./sessions");

const { engine } = laboratory(quick);
const strict = laboratory({ ...quick, LAB_EIO3: "off" }).engine;

function assertOpening({ sid, ...rest }, upgrades) {
  assert.equal(typeof sid, "string");
  assert.notEqual(sid, "");
  const times = { pingInterval: PING_INTERVAL, pingTimeout: PING_TIMEOUT };
  assert.deepEqual(rest, { upgrades, ...times, maxPayload: MAX_PAYLOAD });
}

bothVersions("a GET opens a session on long-polling, which can be upgraded", async (t, eio) => {
  const { opening, open, packets } = await Polling.open(engine, eio);
  assert.equal(opening.status, 200);
  assert.deepEqual(packets, []);
  assertOpening(open, ["websocket"]);
});

bothVersions("a WebSocket opens a session of its own, which cannot be upgraded", async (t, eio) => {
  assertOpening((await dialed(t, engine, eio)).open, []);
});

promise("in version 3 the opening's length counts its characters", async () => {
  const { body } = await request(engine, { query: { EIO: 3, transport: "polling", b64: 1 } });
  const [, length, packet] = body.match(/^(\d+):(0.*)$/);
  assert.equal(Number(length), packet.length);
});

bothVersions("each handshake opens another session", async (t, eio) => {
  const [one, other] = await Promise.all([Polling.open(engine, eio), Polling.open(engine, eio)]);
  assert.notEqual(one.open.sid, other.open.sid);
  await one.post("4mine");
  await other.post("4yours");
  assert.deepEqual(await one.poll(), ["4mine"]);
  assert.deepEqual(await other.poll(), ["4yours"]);
});

for (const EIO of [undefined, "", "abc", "2", "5"]) {
  promise(`EIO=${EIO} opens nothing where version 3 is off`, async () => {
    assert.equal((await request(strict, { query: { EIO, transport: "polling" } })).status, 400);
    await assertNoWebSocket(strict, { EIO });
  });
}

for (const transport of [undefined, "abc", ""]) {
  bothVersions(`transport=${transport} opens nothing`, async (t, EIO) => {
    assert.equal((await request(engine, { query: { EIO, transport } })).status, 400);
    assert.equal((await refusal(engine, { EIO, transport })).status, 400);
  });
}

for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
  bothVersions(`${method} opens nothing`, async (t, EIO) => {
    assert.equal((await request(engine, { method, query: { EIO, transport: "polling" } })).status, 400);
  });
}

bothVersions("an id that the server did not give is known to no transport", async (t, EIO) => {
  const query = { EIO, transport: "polling", sid: "made-up" };
  assert.equal((await request(engine, { query })).status, 400);
  assert.equal((await request(engine, { method: "POST", query, body: "4hello" })).status, 400);
  await assertNoWebSocket(engine, { EIO, sid: "made-up" });
});
