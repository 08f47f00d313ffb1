"use strict";

// One room: Socket.IO's clients and those on plain WebSocket hear each other, and all in one order.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { ask, bytes, connect, heard } = require("../client");
const { serverFor } = require("../suite");
const { TARGET } = require("../target");
const { LIBRARIES, open } = require("./clients");
const { startDoors } = require("./doors");

const EACH = 50;
const doors = TARGET === "reference" ? {} : serverFor(() => startDoors());
const SOCKETS = ["2.5.0", "4.8.4"].flatMap((version) => ["polling", "websocket"].map((transport) => ({ version, transport })));
const options = { timeout: 20_000, skip: TARGET === "reference" && "the reference has no plain WebSocket" };

async function socketIn(t, how, name) {
  const socket = await connect(t, doors, how);
  socket.heard("news");
  await ask(socket, "f", name);
  return {
    name,
    say: (data) => socket.emit("message", data),
    news: async (count) => (await heard(socket, "news", count)).slice(-count).map(([data, { from, id, at }]) => ({ data, from, id, at })),
  };
}

async function plainIn(t, library, name, url) {
  const client = await open(t, library, url);
  const news = async (count) => {
    for (;;) {
      const all = client.inbox.map((text) => JSON.parse(text)).filter(({ type }) => type === "news");
      if (all.length >= count) return all.slice(-count).map(({ data, from, id, at }) => ({ data, from, id, at }));
      await client.next();
    }
  };
  client.send(JSON.stringify({ type: "f", speaker: name }));
  assert.equal(JSON.parse(await client.next()).name, name);
  return { name, client, news, say: (data) => client.send(JSON.stringify({ type: "message", data })) };
}

async function everybody(t) {
  const sockets = await Promise.all(SOCKETS.map((how) => socketIn(t, how, `${how.version} ${how.transport}`)));
  const plain = await Promise.all(LIBRARIES.flatMap((library) => [
    plainIn(t, library, `${library} by route`, doors.at.news),
    plainIn(t, library, `${library} by port`, doors.at.newsPort),
  ]));
  return { sockets, plain, all: [...sockets, ...plain] };
}

test("all hear all, in one order", options, async (t) => {
  const { all } = await everybody(t);
  for (let n = 0; n < EACH; n++) for (const one of all) one.say({ n, text: "说:hello !" });
  const lists = await Promise.all(all.map((one) => one.news(all.length * EACH)));
  for (const [i, list] of lists.entries()) assert.deepEqual(list, lists[0], `${all[i].name} heard something else than ${all[0].name}`);
  for (const { name } of all) {
    const own = lists[0].filter(({ from }) => from === name);
    assert.deepEqual(own.map(({ data }) => data.n), Array.from({ length: EACH }, (_, n) => n), `${name} was not heard in its own order`);
    assert.equal(new Set(own.map(({ id }) => id)).size, 1);
  }
});

test("binary of Socket.IO reaches plain clients as base64, and their text reaches everybody as it is", options, async (t) => {
  const { sockets, plain, all } = await everybody(t);
  sockets[3].say(Buffer.from([0, 1, 254, 255]));
  for (const one of plain) assert.equal((await one.news(1))[0].data, "AAH+/w==");
  for (const one of sockets) assert.deepEqual([...bytes((await one.news(1))[0].data)], [0, 1, 254, 255]);
  plain[0].say({ _placeholder: true, num: 0 });
  for (const one of all) assert.deepEqual((await one.news(2))[1].data, { _placeholder: true, num: 0 });
});
