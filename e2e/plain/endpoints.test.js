"use strict";

// What each plain WebSocket endpoint does, for clients that nobody here wrote.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const { settle } = require("../client");
const { serverFor } = require("../suite");
const { TARGET } = require("../target");
const { everyLibrary, startDoors } = require("./doors");

const doors = TARGET === "reference" ? {} : serverFor(() => startDoors());
const upTo = (n) => Array.from({ length: n }, (_, i) => i);

// Waits until the server's log has a line with this text.
function logged(server, text) {
  return settle(`the log has ${text}`, (resolve) => {
    const look = () => (server.log().includes(text) ? resolve() : setTimeout(look, 10));
    look();
  });
}

// An endpoint's addresses: its route, and its own port at paths of all kinds.
const addresses = (name, at = doors.at) => [at[name], ...["", "/", "/websocket", "/any/path?with=query"].map((path) => at[`${name}Port`] + path)];

everyLibrary("echo answers text in upper case with !!! behind it, and binary byte for byte", async (t, connect) => {
  for (const url of addresses("echo")) {
    const client = await connect(url);
    client.send("hello, wörld 你好");
    assert.equal(await client.next(), "HELLO, WÖRLD 你好!!!");
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const sent = randomBytes(size);
      client.send(sent);
      assert.ok(sent.equals(await client.next()), `${size} bytes came back changed`);
    }
  }
});

everyLibrary("hello says world, and logs what it receives", async (t, connect) => {
  const server = await startDoors(); // the log takes ten lines at once, from all clients
  t.after(() => server.stop());
  for (const url of [...addresses("hello", server.at), server.at.websocket]) {
    const client = await connect(url);
    assert.equal(await client.next(), "world");
    const said = `good morning ${randomBytes(4).toString("hex")}`;
    client.send(said);
    await logged(server, said);
  }
});

everyLibrary("hello's log is bounded, whoever says how much", async (t, connect) => {
  const server = await startDoors();
  t.after(() => server.stop());
  const began = Date.now();
  for (let i = 0; i < 20; i++) {
    const client = await connect(server.at.hello);
    for (let n = 0; n < 100; n++) client.send(`text ${n}`);
    client.send("ping");
    await client.take(2); // what was said before was handled
  }
  const lines = server.log().split("\n").filter((line) => line.includes("hello received")).length;
  const most = 10 + (Date.now() - began) / 1000 + 1;
  assert.ok(lines >= 10 && lines <= most, `${lines} lines, want at most ${most}`);
});

everyLibrary("chat numbers its clients and tells every text to all, in one order", async (t, connect) => {
  const server = await startDoors();
  t.after(() => server.stop());
  const clients = [];
  for (const url of [server.at.chat, server.at.chatPort, `${server.at.chatPort}/x`]) {
    const client = await connect(url);
    clients.push(client);
    client.send("我来了");
    assert.equal(await client.next(), `${clients.length}说: 我来了`);
  }
  const before = [2, 1, 0]; // what the earlier ones heard of those who came later
  await Promise.all(clients.map((client, i) => client.take(before[i])));
  const each = 60;
  for (const n of upTo(each)) for (const client of clients) client.send(`text ${n}`);
  const heard = await Promise.all(clients.map((client) => client.take(3 * each)));
  for (const list of heard) assert.deepEqual(list, heard[0]);
  for (const i of upTo(3)) {
    const own = heard[0].filter((text) => text.startsWith(`${i + 1}说: `));
    assert.deepEqual(own, upTo(each).map((n) => `${i + 1}说: text ${n}`));
  }
  clients[1].close(1000, "");
  await logged(server, "离开");
});

everyLibrary("ping is answered with pong, and stop closes normally", async (t, connect) => {
  for (const url of ["echo", "hello", "chat", "news"].flatMap((name) => [doors.at[name], doors.at[`${name}Port`]])) {
    const client = await connect(url);
    if (url === doors.at.hello || url === doors.at.helloPort) assert.equal(await client.next(), "world");
    client.send("ping");
    assert.equal(await client.next(), "pong");
    assert.equal(await client.ping("are you there?"), "are you there?");
    const asked = Date.now();
    client.send("stop");
    assert.deepEqual(await client.end(), { code: 1000, reason: "stopped as asked" });
    assert.ok(Date.now() - asked < 1_000, "the end took its time");
  }
});

everyLibrary("ping frames are sent, and answering them keeps a connection open", async (t, connect) => {
  const server = await startDoors({ CRIER_PING_INTERVAL: "100ms", CRIER_PING_TIMEOUT: "2s" });
  t.after(() => server.stop());
  await Promise.all(["echo", "hello", "chat", "news"].map(async (name) => {
    const client = await connect(server.at[name]);
    await client.pinged(5);
    client.send("stop");
    assert.equal((await client.end()).code, 1000);
  }));
});

everyLibrary("a subprotocol is negotiated", async (t, connect) => {
  for (const [name, own] of [["echo", "crier.v1.text"], ["hello", "crier.v1.text"], ["chat", "crier.v1.text"], ["news", "crier.v1.json"]]) {
    for (const url of [doors.at[name], doors.at[`${name}Port`]]) {
      assert.equal((await connect(url, { protocols: ["soap", own] })).protocol, own);
      assert.equal((await connect(url)).protocol, "");
    }
  }
});

everyLibrary("news has these shapes", async (t, connect) => {
  const client = await connect(doors.at.newsPort);
  const ask = async (request) => {
    client.send(typeof request === "string" ? request : JSON.stringify(request));
    return JSON.parse(await client.next());
  };
  const { id, count, names, first, offset, ...registered } = await ask({ type: "f", speaker: "Ann", ref: [1] });
  assert.deepEqual(registered, { type: "ack", for: "f", ref: [1], name: "Ann" });
  assert.ok(typeof id === "string" && id.length >= 12 && count >= 1 && names.includes("Ann") && offset >= 0 && first <= offset + 1);
  const data = { text: "<b>&</b> 说", list: [1, null, 2.5] };
  const { at, ...taken } = await ask({ type: "message", data, ref: "r" });
  assert.deepEqual(taken, { type: "ack", for: "message", ref: "r", offset: offset + 1 });
  assert.ok(Math.abs(at - Date.now()) < 60_000);
  assert.deepEqual(JSON.parse(await client.next()), { type: "news", data, from: "Ann", id, at, offset: offset + 1 });
  for (const [request, what, code] of [
    [{ type: "f", speaker: "" }, "f", "bad_name"],
    [{ type: "message" }, "message", "bad_message"],
    [{ type: "shout" }, "shout", "unknown_event"],
    ["not JSON", undefined, "bad_json"],
  ]) {
    const answer = await ask(request);
    assert.equal(answer.type, "ack");
    assert.equal(answer.for, what);
    assert.equal(answer.error.code, code);
    assert.ok(answer.error.message);
  }
});
