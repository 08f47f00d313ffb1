"use strict";

// What the tests of the protocol share: the laboratory, its bare Engine.IO, and steps that many of them take.

const assert = require("node:assert/strict");
const { settle } = require("../client");
const { engineOf, Polling, Wire } = require("../raw");
const { serverFor } = require("../suite");
const { startLab } = require("../target");

// Short, so that each heartbeat and each silence can be waited for.
const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
// Long enough for a pong from a busy machine.
const PATIENT_TIMEOUT = 5000;
const MAX_PAYLOAD = 1_000_000;
const CONNECT_TIMEOUT = 1000;

const quick = {
  LAB_PING_INTERVAL: PING_INTERVAL,
  LAB_PING_TIMEOUT: PING_TIMEOUT,
  LAB_MAX_PAYLOAD: MAX_PAYLOAD,
  LAB_CONNECT_TIMEOUT: CONNECT_TIMEOUT,
};

// A laboratory for the tests of a file, and the Engine.IO beside it.
function laboratory(env = {}) {
  const lab = serverFor(() => startLab(env));
  return { lab, engine: engineOf(lab) };
}

const upgrading = (session) => Wire.dial(session.server, { EIO: session.eio, sid: session.open.sid });

// A WebSocket on which the server has answered the probe.
async function probed(session) {
  const wire = await upgrading(session);
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  return wire;
}

// A session that has told the server that it goes on over WebSocket.
async function upgraded(t, server, eio) {
  const session = await Polling.open(server, eio);
  const wire = await probed(session);
  t.after(() => wire.close());
  wire.send("5");
  return { session, wire };
}

// A session straight over WebSocket, with what the server told at its opening.
async function dialed(t, server, eio, query = {}) {
  const wire = await Wire.dial(server, { EIO: eio, ...query });
  t.after(() => wire.close());
  const packet = await wire.next();
  assert.equal(packet[0], "0");
  wire.open = JSON.parse(packet.slice(1));
  return wire;
}

// A WebSocket is refused with a status of HTTP, or opened and closed: clients take both alike.
async function assertNoWebSocket(server, query) {
  const wire = await Wire.dial(server, query).catch(() => null);
  await wire?.closed();
}

async function assertEchoes(wire, message = "4still here") {
  wire.send(message);
  assert.equal(await wire.next(), message);
}

// A poll whose request the kernel has: `sent` is the request, `answer` will be the answer.
async function underWay(session) {
  let sent;
  const answer = session.get({ started: (request) => (sent = request) });
  answer.catch(() => {}); // of one that is given up nobody asks
  await settle("a poll is under way", (resolve) => sent.once("finish", resolve));
  return { sent, answer };
}

// The server knows the session no more.
async function assertOver(session) {
  assert.equal((await session.get()).status, 400);
}

module.exports = {
  CONNECT_TIMEOUT,
  MAX_PAYLOAD,
  PATIENT_TIMEOUT,
  PING_INTERVAL,
  PING_TIMEOUT,
  assertEchoes,
  assertNoWebSocket,
  assertOver,
  dialed,
  laboratory,
  probed,
  quick,
  underWay,
  upgraded,
  upgrading,
};
