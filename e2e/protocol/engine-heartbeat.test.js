"use strict";

// Engine.IO, "Heartbeat" and the packet "close": how a session stays, and how it ends.

const assert = require("node:assert/strict");
const { setTimeout: wait } = require("node:timers/promises");
const { Polling, decode } = require("../raw");
const { bothVersions, promise } = require("../suite");
const {
  PATIENT_TIMEOUT,
  PING_INTERVAL,
  PING_TIMEOUT,
  assertOver,
  dialed,
  laboratory,
  quick,
  underWay,
} = require("./sessions");

const { engine } = laboratory(quick);
const { engine: patient } = laboratory({ ...quick, LAB_PING_TIMEOUT: PATIENT_TIMEOUT });
const BEATS = 4; // longer than an interval and its timeout

promise("in version 4 the server pings over long-polling, and a pong keeps the session", async () => {
  const session = await Polling.open(patient, 4);
  for (let beat = 0; beat < BEATS; beat++) {
    assert.deepEqual(await session.poll(), ["2"]);
    const { status, body } = await session.post("3");
    assert.deepEqual([status, body], [200, "ok"]);
  }
});

promise("in version 4 the server pings over WebSocket, and a pong keeps the session", async (t) => {
  const wire = await dialed(t, patient, 4);
  for (let beat = 0; beat < BEATS; beat++) {
    assert.equal(await wire.next(), "2");
    wire.send("3");
  }
});

promise("in version 3 the client pings over long-polling, and the server answers", async () => {
  const session = await Polling.open(patient, 3);
  for (let beat = 0; beat < BEATS; beat++) {
    assert.equal((await session.post("2")).status, 200);
    assert.deepEqual(await session.poll(), ["3"]);
    await wait(PING_INTERVAL / 2);
  }
});

promise("in version 3 the client pings over WebSocket, and the server answers", async (t) => {
  const wire = await dialed(t, patient, 3);
  for (let beat = 0; beat < BEATS; beat++) {
    wire.send("2");
    assert.equal(await wire.next(), "3");
    await wait(PING_INTERVAL / 2);
  }
});

bothVersions("a client on long-polling that falls silent is forgotten", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  await wait(2 * (PING_INTERVAL + PING_TIMEOUT));
  await assertOver(session);
});

promise("in version 4 a client that polls and never answers a ping is forgotten", async () => {
  const session = await Polling.open(engine, 4);
  assert.deepEqual(await session.poll(), ["2"]);
  let last;
  do last = await session.get();
  while (last.status === 200);
  assert.equal(last.status, 400);
});

bothVersions("a client on WebSocket that falls silent is closed, and not before its time", async (t, eio) => {
  const wire = await dialed(t, engine, eio);
  const opened = performance.now();
  await wire.closed();
  // The timers of the two sides start apart, and Node's may be a millisecond early.
  assert.ok(performance.now() - opened > PING_INTERVAL, "closed before the first heartbeat was due");
});

bothVersions("a close packet ends the session on long-polling, and noop answers the GET that waits", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = await underWay(session);
  const { status, body } = await session.post("1");
  assert.deepEqual([status, body], [200, "ok"]);
  const answer = await waiting.answer;
  assert.equal(answer.status, 200);
  assert.deepEqual(decode(eio, answer), ["6"]);
  await assertOver(session);
});

bothVersions("what a client says in the payload of a close packet is answered in the GET that waits", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = await underWay(session);
  const { status, body } = await session.post("4last words", "1");
  assert.deepEqual([status, body], [200, "ok"]);
  assert.deepEqual(decode(eio, await waiting.answer), ["4last words"]);
  await assertOver(session);
});

bothVersions("a close packet ends the session on long-polling when no GET waits", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  assert.equal((await session.post("1")).status, 200);
  await assertOver(session);
});

bothVersions("what was said before a close packet is answered first", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = session.poll();
  await session.post("4last words");
  assert.deepEqual(await waiting, ["4last words"]);
  await session.post("1");
  await assertOver(session);
});

bothVersions("after a close packet the WebSocket is closed", async (t, eio) => {
  const wire = await dialed(t, engine, eio);
  wire.send("1");
  await wire.closed();
});
