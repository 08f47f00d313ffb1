"use strict";

// Namespaces, the guards before them, and what a client hears when it is refused.

const assert = require("node:assert/strict");
const { VERSIONS, ask, bytes, connect, isMsgpack, isOld, next, open, refused } = require("../client");
const { everyClient, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());
const DOOR = { code: "E_DOOR", retry: false };
const TOKEN = { code: "E_TOKEN", retry: false };

// What a client hears that is refused. The parser for MessagePack of old clients takes text alone.
function refusal({ version }, message, data) {
  if (!isOld(version)) return { message, data };
  return isMsgpack(version) ? message : (data ?? message);
}

everyClient("a client joins a static namespace, and events there stay there", async (t, how) => {
  const socket = open(t, lab, { ...how, namespace: "/static" });
  assert.deepEqual(await next(socket, "welcome"), ["/static"]);
  const [text, raw] = await ask(socket, "echo", "text", Buffer.from([1, 2]));
  assert.equal(text, "text");
  assert.deepEqual([...bytes(raw)], [1, 2]);
  socket.heard("said");
  const main = await connect(t, lab, how);
  await ask(main, "say", { everyone: true }, "said", "in the main namespace");
  await ask(socket, "echo");
  assert.deepEqual(socket.heard("said"), []);
});

everyClient("two namespaces share one connection", async (t, how) => {
  const main = await connect(t, lab, how);
  const side = main.io.socket("/static");
  side.version = how.version;
  t.after(() => side.close());
  assert.deepEqual(await next(side, "welcome"), ["/static"]);
  assert.deepEqual(await ask(side, "echo", "side"), ["side"]);
  assert.deepEqual(await ask(main, "echo", "main"), ["main"]);
  side.close();
  assert.deepEqual(await ask(main, "echo", "main again"), ["main again"]);
});

everyClient("a namespace by pattern exists when somebody asks for it", async (t, how) => {
  const name = `/dynamic-${VERSIONS.indexOf(how.version)}`;
  const socket = open(t, lab, { ...how, namespace: name });
  assert.deepEqual(await next(socket, "welcome"), [name]);
});

everyClient("a namespace by function asks the function", async (t, how) => {
  const good = open(t, lab, { ...how, namespace: "/by-function/good", auth: { token: "sesame" } });
  assert.deepEqual(await next(good, "welcome"), ["/by-function/good"]);
  const bad = open(t, lab, { ...how, namespace: "/by-function/bad", auth: { token: "wrong" } });
  const toOld = isMsgpack(how.version) ? "Invalid namespace" : { message: "Invalid namespace" };
  assert.deepEqual(await refused(bad), isOld(how.version) ? toOld : { message: "Invalid namespace", data: undefined });
});

everyClient("an unknown namespace is refused", async (t, how) => {
  const socket = open(t, lab, { ...how, namespace: "/nowhere" });
  const refusal = await refused(socket);
  assert.equal(refusal.message ?? refusal, "Invalid namespace");
});

everyClient("middleware lets the right client in, one after the other", async (t, how) => {
  const socket = open(t, lab, { ...how, namespace: "/guarded", auth: { token: "sesame" } });
  assert.deepEqual(await next(socket, "welcome"), ["/guarded", ["first", "second"]]);
});

everyClient("middleware refuses with a message and data", async (t, how) => {
  const socket = open(t, lab, { ...how, namespace: "/guarded", auth: { token: "wrong" } });
  assert.deepEqual(await refused(socket), refusal(how, "not allowed", TOKEN));
});

everyClient("middleware refuses with a message alone", async (t, how) => {
  const socket = open(t, lab, { ...how, namespace: "/plainly-guarded" });
  assert.deepEqual(await refused(socket), refusal(how, "not today"));
});

everyClient("the main namespace can be refused too", async (t, how) => {
  const socket = open(t, lab, { ...how, query: { refuse: 1 } });
  assert.deepEqual(await refused(socket), refusal(how, "refused at the door", DOOR));
});

everyClient("a refused client is not in the namespace and the connection lives", async (t, how) => {
  const main = await connect(t, lab, how);
  const refusedSide = main.io.socket("/plainly-guarded");
  refusedSide.version = how.version;
  const refusal = refused(refusedSide);
  await refusal;
  assert.equal(refusedSide.connected, false);
  assert.deepEqual(await ask(main, "echo", "alive"), ["alive"]);
});
