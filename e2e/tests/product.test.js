"use strict";

// The product: speakers register with `f`, say something with `message`, and every registered socket hears `news`.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const { describe } = require("node:test");
const { CLIENTS, COMBINATIONS, VERSIONS, ask, bytes, connect, heard, next, reconnected } = require("../client");
const { everyClient, promise, serverFor } = require("../suite");
const { TARGET, startProduct } = require("../target");

const product = serverFor(() => startProduct());
const upTo = (n) => Array.from({ length: n }, (_, i) => i);

// A name that no other test has, so that tests can tell their own news.
let count = 0;
const unique = (how, name) => `${name} ${how.version} ${how.transport} ${++count}`;

async function speaker(t, how, name) {
  const socket = await connect(t, product, how);
  socket.heard("news");
  const [answer] = await ask(socket, "f", name);
  return Object.assign(socket, { answer });
}

// The next news of this speaker: data and meta.
function newsOf(socket, from) {
  return new Promise((resolve) => {
    const look = (data, meta) => meta.from === from && (socket.off("news", look), resolve([data, meta]));
    socket.on("news", look);
  });
}

// The reference garbles what clients before 2 say over polling.
const garbled = ({ version, transport }) => TARGET === "reference" && version === "1.7.4" && transport !== "websocket";
const hello = (how) => (garbled(how) ? "says:hello !" : "说:hello !");

everyClient("a speaker registers, and hears what it sends as news", async (t, how) => {
  const name = unique(how, "sayer");
  const socket = await speaker(t, how, name);
  assert.equal(socket.answer.name, name);
  assert.ok(typeof socket.answer.id === "string" && socket.answer.id.length >= 12);
  assert.ok(socket.answer.count >= 1);
  assert.ok(socket.answer.names.length >= 1 && socket.answer.names.length <= 100);
  const news = newsOf(socket, name);
  const before = Date.now();
  socket.send(hello(how));
  const [data, meta] = await news;
  assert.equal(data, hello(how));
  const known = ["at", "from", "id", "offset"].filter((key) => TARGET === "crier" || key !== "offset");
  assert.deepEqual(Object.keys(meta).sort(), known);
  assert.equal(meta.id, socket.answer.id);
  assert.ok(Number.isInteger(meta.at) && Math.abs(meta.at - before) < 60_000);
});

// The page script as it was written for a Node server years ago; `io` and `sayer` are the page's.
function oldPage(io, host, options, sayer, append) {
  var socket = io.connect(host, options);
  socket.on("connect", function () {
    socket.emit("f", sayer.value, function () {
      socket.send(sayer.value + "说:hello !");
    });
  });
  socket.on("news", function (data) {
    append(data);
  });
  return socket;
}

everyClient(
  "the old page script runs unchanged",
  async (t, how) => {
    const io = CLIENTS[how.version];
    const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] }[
      how.transport
    ];
    const sayer = { value: unique(how, "老页面") };
    const said = await new Promise((resolve) => {
      const socket = oldPage(
        { connect: io },
        product.url,
        { forceNew: true, transports, reconnection: false },
        sayer,
        (data) => {
          if (data.startsWith(sayer.value)) resolve(data);
        },
      );
      t.after(() => socket.close());
    });
    assert.equal(said, `${sayer.value}说:hello !`);
  },
  { of: COMBINATIONS.filter((how) => !garbled(how)) },
);

everyClient("any JSON value passes unchanged", async (t, how) => {
  const name = unique(how, "json");
  const socket = await speaker(t, how, name);
  const values = ["", 0, -1.5, true, null, [], {}, { deep: [{ a: null, b: "c" }] }, 9007199254740991];
  const heardNews = heard(socket, "news", values.length);
  for (const value of values) socket.send(value);
  await heardNews;
  const own = socket.heard("news").filter(([, meta]) => meta.from === name);
  assert.deepEqual(
    own.map(([data]) => data),
    values,
  );
});

everyClient("binary passes unchanged", async (t, how) => {
  const name = unique(how, "binary");
  const socket = await speaker(t, how, name);
  const sent = randomBytes(1000);
  const news = newsOf(socket, name);
  socket.send(sent);
  const [data] = await news;
  assert.ok(bytes(data).equals(sent));
});

everyClient("a sender that asks is told that its message was taken", async (t, how) => {
  const socket = await connect(t, product, how);
  const [answer] = await ask(socket, "message", "taken?");
  assert.ok(Math.abs(answer.at - Date.now()) < 60_000);
  const [refused] = await ask(socket, "message");
  assert.equal(refused.error.code, "bad_message");
});

everyClient("who is not registered is heard, and hears nothing", async (t, how) => {
  const listener = await speaker(t, { version: "4.8.4", transport: "websocket" }, unique(how, "listener"));
  const stranger = await connect(t, product, how);
  stranger.heard("news");
  const text = unique(how, "a stranger says");
  const arrived = new Promise((resolve) => listener.on("news", (data, meta) => data === text && resolve(meta)));
  stranger.send(text);
  assert.equal((await arrived).from, "");
  await ask(stranger, "message", "a second round trip");
  assert.deepEqual(stranger.heard("news"), []);
});

everyClient("a speaker is renamed by registering again, and hears its news once", async (t, how) => {
  const [before, after] = [unique(how, "before"), unique(how, "after")];
  const socket = await speaker(t, how, before);
  const [renamed] = await ask(socket, "f", after);
  assert.equal(renamed.name, after);
  assert.equal(renamed.id, socket.answer.id);
  assert.equal(renamed.names.includes(before), false);
  await ask(socket, "message", "one");
  await ask(socket, "message", "two");
  await ask(socket, "f", after);
  const own = socket.heard("news").filter(([, meta]) => meta.id === renamed.id);
  assert.deepEqual(
    own.map(([data, { from }]) => [data, from]),
    [
      ["one", after],
      ["two", after],
    ],
  );
});

everyClient("two sockets may carry one name: both are registered, both hear the news", async (t, how) => {
  const name = unique(how, "twins");
  const twins = await Promise.all([speaker(t, how, name), speaker(t, how, name)]);
  assert.notEqual(twins[0].answer.id, twins[1].answer.id);
  const arrived = Promise.all(twins.map((socket) => newsOf(socket, name)));
  twins[0].send("to both");
  for (const [data, meta] of await arrived) {
    assert.equal(data, "to both");
    assert.equal(meta.id, twins[0].answer.id);
  }
});

const BAD_NAMES = [
  "",
  "   ",
  "x".repeat(65),
  "tab\there",
  "line\nfeed",
  "nul\u0000x",
  "c1\u0085x",
  7,
  null,
  { name: "x" },
  ["x"],
  true,
];

everyClient("a bad name is refused with a reason, and its owner is not registered", async (t, how) => {
  const socket = await connect(t, product, how);
  socket.heard("news");
  for (const name of BAD_NAMES) {
    const [{ error }] = await ask(socket, "f", name);
    assert.ok(error, `taken: ${JSON.stringify(name)}`);
    assert.equal(error.code, "bad_name");
    assert.ok(error.message.length > 0);
  }
  const [{ error }] = await ask(socket, "f");
  assert.ok(error, "no name was taken");
  await ask(socket, "message", "does it come back?");
  await ask(socket, "message", "a second round trip");
  assert.deepEqual(socket.heard("news"), []);
});

everyClient("a good name is trimmed, and its length is counted in characters", async (t, how) => {
  const socket = await connect(t, product, how);
  const mark = garbled(how) ? "x" : "\u{1F600}";
  for (const [name, taken] of [
    ["  Ann Lee  ", "Ann Lee"],
    [mark.repeat(64), mark.repeat(64)],
    ["\nName\t", "Name"],
  ]) {
    const [answer] = await ask(socket, "f", name);
    assert.equal(answer.name, taken);
  }
});

everyClient("the id that others see is not the one that opens the session", async (t, how) => {
  const socket = await speaker(t, how, unique(how, "private"));
  for (const secret of [socket.id, socket.io.engine.id])
    assert.ok(!socket.answer.id.includes(secret) && !secret.includes(socket.answer.id));
});

everyClient("f without an ack registers too", async (t, how) => {
  const name = unique(how, "silent");
  const socket = await connect(t, product, how);
  const news = newsOf(socket, name);
  socket.emit("f", name);
  socket.send("heard");
  assert.equal((await news)[0], "heard");
});

everyClient("who leaves is no longer registered, whatever way it left", async (t, how) => {
  const watcher = await connect(t, product, { version: "4.8.4", transport: "websocket" });
  for (const leave of [(socket) => socket.disconnect(), (socket) => socket.io.engine.close()]) {
    const name = unique(how, "!leaves");
    const socket = await speaker(t, how, name);
    leave(socket);
    await gone(watcher, name);
  }
});

// Asks until the name is not in the room's list any more.
async function gone(watcher, name) {
  for (;;) {
    const [{ names }] = await ask(watcher, "f", "watcher");
    if (!names.includes(name)) return;
  }
}

describe("the answer to f", () => {
  promise("counts all and names the first hundred", async (t) => {
    const server = await startProduct();
    t.after(() => server.stop());
    const sockets = await Promise.all(
      upTo(110).map(() => connect(t, server, { version: "4.8.4", transport: "websocket" })),
    );
    for (const [i, socket] of sockets.entries()) {
      const [{ count: here, names }] = await ask(socket, "f", `guest ${i}`);
      assert.equal(here, i + 1);
      assert.deepEqual(
        names,
        upTo(Math.min(i + 1, 100)).map((n) => `guest ${n}`),
      );
    }
  });
});

describe("a room of all versions", () => {
  promise("hears everything, once, in one order", async (t) => {
    const server = await startProduct();
    t.after(() => server.stop());
    const sockets = await Promise.all(COMBINATIONS.map((how) => connect(t, server, { ...how, early: true })));
    await Promise.all(sockets.map((socket, i) => ask(socket, "f", `speaker ${i}`)));
    const all = Promise.all(sockets.map((socket) => heard(socket, "news", sockets.length * 20)));
    for (const n of upTo(20)) sockets.forEach((socket, i) => socket.send(`${i}:${n}`));
    const lists = (await all).map((list) => list.map(([data]) => data));
    for (const list of lists) assert.deepEqual(list, lists[0]);
    for (const i of sockets.keys()) {
      const own = lists[0].filter((text) => text.startsWith(`${i}:`));
      assert.deepEqual(
        own,
        upTo(20).map((n) => `${i}:${n}`),
      );
    }
  });
});

describe("a client that comes back after a restart of the server", () => {
  for (const version of VERSIONS) {
    promise(`registers anew: ${version}`, async (t) => {
      const first = await startProduct();
      t.after(() => first.stop());
      const socket = await connect(t, first, {
        version,
        transport: "upgrade",
        reconnection: true,
        reconnectionDelay: 20,
        reconnectionDelayMax: 100,
      });
      await ask(socket, "f", "faithful");
      const [back, lost] = [reconnected(socket), next(socket, "disconnect")];
      await first.stop();
      await lost;
      const second = await startProduct({}, first.port);
      t.after(() => second.stop());
      await back;
      const [{ count: here }] = await ask(socket, "f", "faithful");
      assert.equal(here, 1);
    });
  }
});
