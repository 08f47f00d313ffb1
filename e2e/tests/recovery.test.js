"use strict";

// Connection state recovery: a 4.x client that loses its transport goes on where it was.

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const http = require("node:http");
const { ask, connect, connected, heard, isOld, next, open, settle } = require("../client");
const { openLine } = require("../line");
const { everyClient, promise, serverFor } = require("../suite");
const { TARGET, startLab } = require("../target");

const lab = serverFor(() => startLab({ LAB_RECOVERY: "120000" }));
const strict = serverFor(() => startLab({ LAB_RECOVERY: "50" }));
const THE_CLIENT = ["polling", "websocket", "upgrade"].map((transport) => ({ version: "4.8.4", transport }));
const COMES_BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

// The clients' XMLHttpRequest for Node hangs for ever when a socket that it uses again is cut.
const FRESH_SOCKETS = new http.Agent({ keepAlive: false });

const toRoom = (room) => ({ everyone: true, to: [room] });

// A client with its own room, a value kept with its socket, and somebody who speaks to it.
async function visitor(t, server, how, line = server) {
  const room = randomUUID();
  const speaker = await connect(t, server, { version: "4.8.4", transport: "websocket" });
  const socket = await connect(t, line, { ...COMES_BACK, ...how });
  socket.heard("news");
  socket.heard("fleeting");
  await ask(socket, "join", room);
  await ask(socket, "keep", room);
  const say = (...args) => ask(speaker, "say", toRoom(room), "news", ...args);
  return { socket, room, say, speaker };
}

// Loses the transport, as a network does, and does what is to be missed before the client is back.
async function away(socket, lose, meanwhile) {
  const told = next(socket, "disconnect");
  socket.io.reconnection(false);
  lose(socket);
  await told;
  await meanwhile?.();
  const back = connected(socket);
  socket.io.reconnection(true);
  socket.connect();
  await back;
}

const closeEngine = (socket) => socket.io.engine.close();
const values = (list) => list.map(([value]) => value);

async function assertRecovered(socket, id, room) {
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  assert.deepEqual(await ask(socket, "recovered"), [true]);
  assert.deepEqual(await ask(socket, "rooms"), [[room]]);
  assert.deepEqual(await ask(socket, "kept"), [room]);
}

everyClient(
  "a client that lost its transport is in its rooms again, with its data and what it has missed",
  async (t, how) => {
    const { socket, room, say } = await visitor(t, lab, how);
    const { id } = socket;
    await say("before");
    await heard(socket, "news", 1);
    await away(socket, closeEngine, async () => {
      await say("missed 1");
      await say("missed 2", { with: "more" });
      await say("missed 3", Buffer.from([0, 255]));
    });
    await say("after");
    assert.deepEqual(values(await heard(socket, "news", 5)), ["before", "missed 1", "missed 2", "missed 3", "after"]);
    await assertRecovered(socket, id, room);
  },
  { of: THE_CLIENT },
);

everyClient(
  "a line that is cut loses nothing",
  async (t, how) => {
    const line = await openLine(t, lab);
    const { socket, room, say } = await visitor(t, lab, { ...how, agent: FRESH_SOCKETS }, line);
    const { id } = socket;
    const count = 60;
    const list = heard(socket, "news", count);
    for (let i = 0; i < count; i++) {
      await say(i);
      if (i % 20 !== 10) continue;
      if (how.transport === "polling") await line.polled();
      await away(socket, () => line.cut());
    }
    assert.deepEqual(
      values(await list),
      Array.from({ length: count }, (_, i) => i),
    );
    await assertRecovered(socket, id, room);
  },
  // The reference knows nothing of a client that is back before it has noticed the loss, and polls are noticed late.
  { of: TARGET === "crier" ? THE_CLIENT : [] },
);

everyClient(
  "a client is recovered ten times in a row, and hears everything once",
  async (t, how) => {
    const { socket, room, say } = await visitor(t, lab, how);
    const { id } = socket;
    const all = [];
    const told = (value) => (all.push(value), say(value));
    await told("first");
    await heard(socket, "news", 1);
    for (let i = 0; i < 10; i++) {
      await away(socket, closeEngine, () => told(`missed ${i}`));
      await told(`heard ${i}`);
      await heard(socket, "news", all.length);
    }
    assert.deepEqual(values(await heard(socket, "news", all.length)), all);
    await assertRecovered(socket, id, room);
  },
  { of: THE_CLIENT },
);

// The laboratory's main namespace says hello, so this takes one that says nothing. The reference needs an offset.
everyClient(
  "a client is recovered before it has heard anything",
  async (t, how) => {
    const socket = await connect(t, lab, { ...COMES_BACK, ...how, namespace: "/journal" });
    const { id } = socket;
    for (let i = 0; i < 3; i++) {
      await away(socket, closeEngine);
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    }
  },
  { of: TARGET === "crier" ? THE_CLIENT : [] },
);

everyClient(
  "a text at the end of a volatile event does not mislead the client",
  async (t, how) => {
    const { socket, room, say, speaker } = await visitor(t, lab, how);
    const { id } = socket;
    await say("before");
    await heard(socket, "news", 1);
    const list = socket.heard("fleeting");
    await settle("a volatile event", (resolve) => {
      socket.once("fleeting", resolve);
      const again = () => {
        if (list.length > 0 || !socket.connected) return;
        speaker.emit("say", { ...toRoom(room), volatile: true }, "fleeting", "a text", again);
      };
      again();
    });
    await away(socket, closeEngine, () => say("missed"));
    assert.deepEqual(values(await heard(socket, "news", 2)), ["before", "missed"]);
    await assertRecovered(socket, id, room);
  },
  { of: TARGET === "crier" ? THE_CLIENT : [] },
);

everyClient(
  "a client that comes too late is new",
  async (t, how) => {
    const { socket, room, say } = await visitor(t, strict, how);
    const { id } = socket;
    await say("before");
    await heard(socket, "news", 1);
    await away(socket, closeEngine, () => new Promise((resolve) => setTimeout(resolve, 200)));
    assert.ok(!socket.recovered);
    assert.notEqual(socket.id, id);
    assert.deepEqual(await ask(socket, "rooms"), [[]]);
    assert.notDeepEqual(await ask(socket, "kept"), [room]);
  },
  { of: THE_CLIENT },
);

everyClient(
  "a client that left, or was made to, is new",
  async (t, how) => {
    const { socket } = await visitor(t, lab, how);
    for (const leave of [() => socket.disconnect(), () => socket.emit("kick", false)]) {
      const { id } = socket;
      await away(socket, leave);
      assert.ok(!socket.recovered);
      assert.notEqual(socket.id, id);
    }
  },
  { of: THE_CLIENT },
);

promise("a client that goes from one server to another is new there, and recovered there afterwards", async (t) => {
  const other = await startLab({ LAB_RECOVERY: "120000" });
  t.after(() => other.stop());
  const where = { port: lab.port };
  const line = await openLine(t, where);
  const socket = open(t, line, { ...COMES_BACK, version: "4.8.4", transport: "websocket" });
  await heard(socket, "hello", 1);
  const { id } = socket;
  where.port = other.port;
  await away(socket, closeEngine);
  assert.ok(!socket.recovered);
  assert.notEqual(socket.id, id);
  await heard(socket, "hello", 2);
  await away(socket, closeEngine);
  assert.ok(socket.recovered);
});

everyClient("clients without recovery are told what they always were", async (t, how) => {
  const socket = await connect(t, lab, how);
  socket.heard("news");
  await ask(socket, "join", "plain");
  const speaker = await connect(t, lab, { version: "4.8.4", transport: "websocket" });
  await ask(speaker, "say", toRoom("plain"), "news", "text");
  const [args] = await heard(socket, "news", 1);
  assert.deepEqual(args.slice(0, 1), ["text"]);
  assert.equal(args.length, isOld(how.version) && TARGET === "crier" ? 1 : 2); // the offset, for those on Engine.IO 4
  const { id } = socket;
  await away(socket, closeEngine, () => ask(speaker, "say", toRoom("plain"), "news", "missed"));
  const recovered = how.version.startsWith("4");
  assert.equal(socket.id === id, recovered);
  assert.equal(socket.heard("news").length > 1, recovered);
});
