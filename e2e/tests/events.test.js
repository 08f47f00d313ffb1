"use strict";

// Events and acks, seen from socket.io-client of every major version.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const { COMBINATIONS, ask, bytes, connect, heard, isOld, next, open, upgraded } = require("../client");
const { everyClient, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());
const BIG = 300_000;

everyClient("a client connects and is on the transport that it asked for", async (t, how) => {
  const socket = await connect(t, lab, how);
  const name = how.transport === "polling" ? "polling" : "websocket";
  assert.equal(socket.io.engine.transport.name, name);
  assert.deepEqual(await ask(socket, "transport"), [name]);
});

everyClient("what a server says in its connect handler is heard", async (t, how) => {
  const socket = open(t, lab, how);
  assert.deepEqual(await next(socket, "hello"), ["from the connect handler"]);
});

everyClient("arguments come back as they were sent", async (t, how) => {
  const socket = await connect(t, lab, how);
  const args = ["说:hello !", 1, -2.5, true, null, [], {}, { a: [{ b: '𝒳 € \n"\\' }] }, "", "\u2028\u2029\u0000\u001e"];
  assert.deepEqual(await ask(socket, "echo", ...args), args);
  socket.emit("echo", ...args);
  assert.deepEqual(await next(socket, "echo"), args);
});

everyClient("an event can carry nothing, and its ack too", async (t, how) => {
  const socket = await connect(t, lab, how);
  assert.deepEqual(await ask(socket, "echo"), []);
});

everyClient("an event's name can be any text", async (t, how) => {
  const socket = await connect(t, lab, how);
  const name = '名字 with "quotes" \u{1F600}';
  socket.emit("say", { everyone: true }, name, 1);
  assert.deepEqual(await next(socket, name), [1]);
});

everyClient("300 kB of text travel both ways", async (t, how) => {
  const socket = await connect(t, lab, { ...how, early: true });
  const text = "说€a".repeat(BIG / 7);
  assert.ok(Buffer.byteLength(text) > BIG - 10);
  const [back] = await ask(socket, "echo", text);
  assert.ok(back === text, "the text came back changed");
});

everyClient("300 kB of binary travel both ways", async (t, how) => {
  const socket = await connect(t, lab, { ...how, early: true });
  const sent = randomBytes(BIG);
  const [back] = await ask(socket, "echo", sent);
  assert.ok(bytes(back).equals(sent), "the bytes came back changed");
  socket.emit("echo", sent);
  const [heardBack] = await next(socket, "echo");
  assert.ok(bytes(heardBack).equals(sent), "the bytes came back changed without an ack");
});

everyClient("binary may stand anywhere in the arguments", async (t, how) => {
  const socket = await connect(t, lab, how);
  const [one, two, empty] = [Buffer.from([0, 1, 255]), Buffer.from("zwei"), Buffer.alloc(0)];
  const [first, second] = await ask(socket, "echo", { list: [one, { deep: two, text: "说" }], n: 1 }, empty);
  assert.deepEqual(bytes(first.list[0]), one);
  assert.deepEqual(bytes(first.list[1].deep), two);
  assert.equal(first.list[1].text, "说");
  assert.equal(first.n, 1);
  assert.equal(bytes(second).length, 0);
});

everyClient("a server's question is answered by the client's ack", async (t, how) => {
  const socket = await connect(t, lab, how);
  socket.on("question", (text, ack) => ack(text, 42, Buffer.from("raw")));
  const [{ answer }] = await ask(socket, "question", 5000);
  assert.deepEqual(answer.slice(0, 2), ["how many?", 42]);
  assert.deepEqual(bytes(answer[2]), Buffer.from("raw"));
});

everyClient(
  "a server's question that nobody answers ends with a timeout, and a late answer harms nobody",
  async (t, how) => {
    const socket = await connect(t, lab, how);
    let late;
    socket.on("question", (text, ack) => (late = ack));
    assert.deepEqual(await ask(socket, "question", 50), [{ error: "timeout" }]);
    late("too late");
    late("and twice");
    assert.deepEqual(await ask(socket, "echo", "still here"), ["still here"]);
  },
);

everyClient(
  "a client's own timeout of an ack runs out",
  async (t, how) => {
    const socket = await connect(t, lab, how);
    // A server that knows no event of a name may answer that; this one is taken and never answered.
    const error = await new Promise((resolve) => socket.timeout(50).emit("record", 1, resolve));
    assert.match(error.message, /timed out/);
    assert.deepEqual(await socket.timeout(5000).emitWithAck("echo", "in time"), "in time");
  },
  { of: COMBINATIONS.filter(({ version }) => version === "4.8.4") },
);

everyClient("200 events of one client are handled in order", async (t, how) => {
  const socket = await connect(t, lab, { ...how, early: true });
  const sent = Array.from({ length: 200 }, (_, i) => i);
  for (const i of sent) socket.emit("record", i);
  assert.deepEqual(await ask(socket, "recorded"), [sent]);
  if (how.transport === "upgrade") await upgraded(socket);
});

everyClient("events with and without binary keep their order", async (t, how) => {
  const socket = await connect(t, lab, { ...how, early: true });
  const list = heard(socket, "echo", 60);
  for (let i = 0; i < 60; i++) socket.emit("echo", i, i % 3 === 0 ? Buffer.from([i]) : "text");
  assert.deepEqual(
    (await list).map(([i]) => i),
    Array.from({ length: 60 }, (_, i) => i),
  );
  (await list).filter(([i]) => i % 3 === 0).forEach(([i, raw]) => assert.deepEqual([...bytes(raw)], [i]));
});

everyClient("the server knows how a client shook hands", async (t, how) => {
  const auth = { token: "abc" };
  const socket = await connect(t, lab, {
    ...how,
    query: { colour: "red & blue" },
    auth,
    extraHeaders: { "X-Lab": "seen" },
  });
  const [facts] = await ask(socket, "handshake");
  assert.deepEqual(facts.query, { colour: "red & blue", EIO: isOld(how.version) ? "3" : "4" });
  assert.equal(facts.header, "seen");
  assert.match(facts.address, /127\.0\.0\.1$/);
  assert.equal(facts.secure, false);
  assert.equal(facts.xdomain, false);
  assert.match(facts.url, /^\/socket\.io\/\?/);
  assert.ok(Math.abs(Date.now() - facts.issued) < 60_000, `issued at ${facts.issued}`);
  if (!isOld(how.version)) assert.deepEqual(facts.auth, auth);
});

everyClient("a server keeps a value with the socket", async (t, how) => {
  const socket = await connect(t, lab, how);
  await ask(socket, "keep", { any: ["value"] });
  assert.deepEqual(await ask(socket, "kept"), [{ any: ["value"] }]);
});

everyClient("a server cannot emit reserved names", async (t, how) => {
  const socket = await connect(t, lab, how);
  for (const name of ["connect", "connect_error", "disconnect", "disconnecting"]) {
    const [message] = await ask(socket, "reserved", name);
    assert.match(message, /reserved/);
  }
});
