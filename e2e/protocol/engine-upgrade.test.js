"use strict";

// Engine.IO, "Upgrade": from long-polling to WebSocket, without a loss and with one way at a time.

const assert = require("node:assert/strict");
const { Polling } = require("../raw");
const { bothVersions } = require("../suite");
const { assertEchoes, assertOver, laboratory, probed, upgraded, upgrading } = require("./sessions");

const { engine } = laboratory();

bothVersions("a probe is answered, the next poll with noop, and after it messages go over WebSocket", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const wire = await probed(session);
  t.after(() => wire.close());
  assert.deepEqual(await session.poll(), ["6"]);
  wire.send("5");
  await assertEchoes(wire);
  await assertEchoes(wire, "4again");
});

bothVersions("a probe ends the poll that waits, with noop", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = session.poll();
  const wire = await probed(session);
  t.after(() => wire.close());
  assert.deepEqual(await waiting, ["6"]);
  wire.send("5");
  await assertEchoes(wire);
});

bothVersions("what was said on long-polling comes before what is said on WebSocket", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const wire = await probed(session);
  t.after(() => wire.close());
  await session.post("41", "42");
  wire.send("5");
  wire.send("43");
  assert.deepEqual([await wire.next(), await wire.next(), await wire.next()], ["41", "42", "43"]);
});

bothVersions("a poll right behind the upgrade is refused, and the session goes on", async (t, eio) => {
  const { session, wire } = await upgraded(t, engine, eio);
  assert.equal((await session.get()).status, 400);
  await assertEchoes(wire);
});

bothVersions("a POST behind the upgrade is refused and not handled", async (t, eio) => {
  const { session, wire } = await upgraded(t, engine, eio);
  await assertEchoes(wire);
  assert.equal((await session.post("4by the back door")).status, 400);
  await assertEchoes(wire);
});

bothVersions("a WebSocket for a session that has upgraded is accepted and closed, and the session goes on", async (t, eio) => {
  const { session, wire } = await upgraded(t, engine, eio);
  const second = await upgrading(session);
  await second.closed();
  assert.deepEqual(second.messages, []);
  await assertEchoes(wire);
});

bothVersions("a WebSocket beside one that is upgrading is accepted and closed, and the upgrade goes on", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const wire = await probed(session);
  t.after(() => wire.close());
  const second = await upgrading(session);
  await second.closed();
  wire.send("5");
  await assertEchoes(wire);
});

bothVersions("a probe that is given up leaves the session on long-polling", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const wire = await probed(session);
  wire.close();
  await wire.closed();
  await session.post("4hello");
  let packets = [];
  while (!packets.includes("4hello")) packets = await session.poll();
});

bothVersions("closing the WebSocket of a session that has upgraded ends it", async (t, eio) => {
  const { session, wire } = await upgraded(t, engine, eio);
  await assertEchoes(wire);
  wire.close();
  await wire.closed();
  await assertOver(session);
});
