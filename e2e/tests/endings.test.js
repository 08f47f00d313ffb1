"use strict";

// How connections end, and the reason that either side is given.

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const http = require("node:http");
const { COMBINATIONS, ask, connect, connected, heard, isOld, next, open, reconnected, settle } = require("../client");
const { openLine } = require("../line");
const { ending, everyClient, serverFor } = require("../suite");
const { TARGET, startLab } = require("../target");

const lab = serverFor(() => startLab());
const impatient = serverFor(() => startLab({ LAB_PING_INTERVAL: 300, LAB_PING_TIMEOUT: 1000 }));
const COMES_BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

// The clients' XMLHttpRequest for Node hangs for ever when a socket that it uses again is cut.
const FRESH_SOCKETS = new http.Agent({ keepAlive: false });

// A client that the server's journal knows by its tag.
async function tagged(t, server, how) {
  const tag = randomUUID();
  const socket = await connect(t, server, { ...how, query: { tag } });
  await ask(socket, "join", "a room");
  return { socket, tag };
}

async function assertEnding(t, server, tag, reason) {
  assert.deepEqual(await ending(t, server, tag), { reason, rooms: ["a room"], left: [] });
}

everyClient("a client that leaves is told so, and the server hears of it", async (t, how) => {
  const { socket, tag } = await tagged(t, lab, how);
  const told = next(socket, "disconnect");
  socket.disconnect();
  assert.equal((await told)[0], "io client disconnect");
  await assertEnding(t, lab, tag, "client namespace disconnect");
});

for (const closing of [false, true]) {
  everyClient(
    `a client that is kicked ${closing ? "with" : "without"} its session hears it and stays away`,
    async (t, how) => {
      const { socket, tag } = await tagged(t, lab, { ...how, reconnection: true, reconnectionDelay: 1 });
      const told = next(socket, "disconnect");
      socket.emit("kick", closing);
      assert.equal((await told)[0], "io server disconnect");
      await assertEnding(t, lab, tag, "server namespace disconnect");
      assert.equal(socket.connected, false);
    },
  );
}

everyClient("a client that was kicked may come back when it wants", async (t, how) => {
  const { socket } = await tagged(t, lab, how);
  const told = next(socket, "disconnect");
  const closed = settle("the engine closes", (resolve) => socket.io.engine.once("close", resolve));
  socket.emit("kick", true);
  await Promise.all([told, closed]);
  const back = connected(socket);
  socket.connect();
  await back;
  assert.deepEqual(await ask(socket, "echo", "again"), ["again"]);
});

everyClient("a kick from one namespace leaves the other", async (t, how) => {
  const main = await connect(t, lab, how);
  const side = main.io.socket("/static");
  side.version = how.version;
  await next(side, "welcome");
  const told = next(side, "disconnect");
  side.emit("kick", false);
  assert.equal((await told)[0], "io server disconnect");
  assert.deepEqual(await ask(main, "echo", "still here"), ["still here"]);
});

everyClient("a kick that closes the session ends its other namespaces too", async (t, how) => {
  const { socket, tag } = await tagged(t, lab, how);
  const side = socket.io.socket("/static");
  side.version = how.version;
  await next(side, "welcome");
  const told = Promise.all([next(side, "disconnect"), next(socket, "disconnect")]);
  side.emit("kick", true);
  assert.deepEqual(
    (await told).map(([reason]) => reason),
    ["io server disconnect", "io server disconnect"],
  );
  await assertEnding(t, lab, tag, "server namespace disconnect");
});

everyClient("a whole room can be kicked", async (t, how) => {
  const room = `doomed ${how.version} ${how.transport}`;
  const [one, two, other] = await Promise.all([0, 1, 2].map(() => connect(t, lab, how)));
  await Promise.all([ask(one, "join", room), ask(two, "join", room)]);
  const told = Promise.all([next(one, "disconnect"), next(two, "disconnect")]);
  other.emit("kick room", room, true);
  assert.deepEqual(
    (await told).map(([reason]) => reason),
    ["io server disconnect", "io server disconnect"],
  );
  assert.deepEqual(await ask(other, "echo", "spared"), ["spared"]);
});

everyClient("what was emitted before a kick still arrives", async (t, how) => {
  const socket = await connect(t, lab, how);
  const list = heard(socket, "echo", 20);
  const told = next(socket, "disconnect");
  for (let i = 0; i < 20; i++) socket.emit("echo", i);
  socket.emit("kick", true);
  await told;
  assert.deepEqual(
    (await list).map(([i]) => i),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

everyClient("a client that closes its engine is a closed transport for the server", async (t, how) => {
  const { socket, tag } = await tagged(t, lab, how);
  const told = next(socket, "disconnect");
  socket.io.engine.close();
  assert.equal((await told)[0], "forced close");
  await assertEnding(t, lab, tag, "transport close");
});

everyClient("a line that is cut ends the session for both, and the client reconnects by itself", async (t, how) => {
  const line = await openLine(t, lab);
  const { socket, tag } = await tagged(t, line, { ...how, ...COMES_BACK, agent: FRESH_SOCKETS });
  const first = socket.id;
  const told = next(socket, "disconnect");
  const back = reconnected(socket);
  if (how.transport === "polling") await line.polled();
  line.refuse(true); // else the client says good-bye on a new connection, which a busy server may hear before the cut
  line.cut();
  const broken = how.transport === "polling" ? "transport error" : "transport close";
  assert.equal((await told)[0], broken);
  await assertEnding(t, lab, tag, broken);
  line.refuse(false);
  await back;
  assert.notEqual(socket.id, first);
  assert.deepEqual(await ask(socket, "rooms"), [[]], "a new session is in no room");
});

// The reference forgets the heartbeat of Engine.IO 3 with the upgrade.
const forgotten = ({ version, transport }) => TARGET === "reference" && isOld(version) && transport === "upgrade";

everyClient(
  "a line that falls silent is noticed by both, within their heartbeats",
  async (t, how) => {
    const line = await openLine(t, impatient);
    const { socket, tag } = await tagged(t, line, how);
    const told = next(socket, "disconnect");
    line.hold();
    assert.equal((await told)[0], "ping timeout");
    await assertEnding(t, impatient, tag, "ping timeout");
  },
  { of: COMBINATIONS.filter((how) => !forgotten(how)), together: true },
);

everyClient(
  "an idle client stays connected by its heartbeats",
  async (t, how) => {
    const socket = await connect(t, impatient, how);
    const ended = [];
    socket.on("disconnect", (reason) => ended.push(reason));
    await settle("several heartbeats", (resolve) => {
      let count = 0;
      socket.io.engine.on("packet", ({ type }) => (type === "ping" || type === "pong") && ++count === 5 && resolve());
    });
    assert.deepEqual(ended, []);
    assert.deepEqual(await ask(socket, "echo", "alive"), ["alive"]);
  },
  { together: true },
);

everyClient("a server that stops lets its clients go, to come back", async (t, how) => {
  const server = await startLab();
  t.after(() => server.stop());
  const socket = await connect(t, server, how);
  const told = next(socket, "disconnect");
  server.terminate();
  const [reason] = await told;
  assert.ok(["transport close", "transport error"].includes(reason), `a client stays away after ${reason}`);
  await server.ended;
});

everyClient("a client reconnects to a server that is not there yet", async (t, how) => {
  const line = await openLine(t, lab);
  line.refuse(true);
  const socket = open(t, line, { ...how, ...COMES_BACK });
  await settle(
    "a first failure",
    (resolve) => (socket.io.on("connect_error", resolve), socket.io.on("error", resolve)),
  );
  line.refuse(false);
  await settle("the connection", (resolve) => (socket.connected ? resolve() : socket.once("connect", resolve)));
  assert.deepEqual(await ask(socket, "echo", "at last"), ["at last"]);
});
