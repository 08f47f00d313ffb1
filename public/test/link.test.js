"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { EventEmitter } = require("node:events");
const { load, makeClock } = require("./browser");

class FakeSocket extends EventEmitter {
  constructor() {
    super();
    this.calls = [];
    this.connected = false;
    this.active = true;
    this.io = {};
  }
  connect() { this.calls.push("connect"); this.active = true; }
  disconnect() { this.calls.push("disconnect"); }
  up(transport) {
    this.connected = true;
    this.io.engine = Object.assign(new EventEmitter(), { transport });
    this.emit("connect");
  }
  down(reason) {
    this.connected = false;
    this.emit("disconnect", reason);
  }
}

function open(navigator) {
  const clock = makeClock();
  const socket = new FakeSocket();
  const events = new EventEmitter();
  const states = [];
  const Crier = load(["dom", "pause", "why", "link"], Object.assign({
    navigator: navigator || {}, addEventListener: (type, run) => events.on(type, run)
  }, clock));
  const asked = [];
  const link = new Crier.Link(() => socket, { path: "/chat/" }, (state) => states.push(Object.assign({}, state)),
    (path, told) => asked.push({ path, told }));
  return { asked, clock, socket, events, link, states, now: () => states[states.length - 1] };
}

test("live tells the transport, and follows the upgrade", () => {
  const { socket, now } = open();
  socket.up({ name: "polling" });
  assert.strictEqual(now().name + " " + now().transport, "live polling");
  socket.io.engine.emit("upgrade", { name: "websocket" });
  assert.strictEqual(now().name + " " + now().transport, "live websocket");
});

test("JSONP is told from polling", () => {
  const { socket, now } = open();
  socket.up({ name: "polling", index: 0 });
  assert.strictEqual(now().transport, "jsonp");
});

test("an upgrade of an earlier session changes nothing", () => {
  const { socket, now } = open();
  socket.up({ name: "polling" });
  const old = socket.io.engine;
  socket.down("transport close");
  old.emit("upgrade", { name: "websocket" });
  assert.strictEqual(now().transport, "");
});

test("attempts wait twice as long each time, in part at random, and never over 20 s", () => {
  const { socket, clock, now } = open();
  socket.up({ name: "polling" });
  socket.down("transport close");
  for (let attempt = 1; attempt <= 10; attempt++) {
    const pause = now().retryAt - new clock.Date().getTime();
    const full = Math.min(20000, 1000 * Math.pow(2, attempt - 1));
    assert.ok(pause >= full / 2 && pause <= full, "attempt " + attempt + " waits " + pause);
    assert.strictEqual(now().name + now().attempt, "reconnecting" + attempt);
    clock.advance(pause);
    assert.strictEqual(now().retryAt, 0);
    socket.emit("connect_error", new Error("xhr poll error"));
  }
});

test("the count starts anew after success", () => {
  const { socket, clock, now } = open();
  socket.emit("connect_error", new Error("no"));
  clock.advance(1000);
  socket.up({ name: "polling" });
  assert.strictEqual(clock.due.size, 0);
  clock.advance(6000);
  socket.down("ping timeout");
  assert.strictEqual(now().attempt, 1);
});

test("two signs of one failure are one attempt", () => {
  const { socket, clock, now } = open();
  socket.emit("connect_error", new Error("no"));
  socket.emit("error", new Error("no"));
  assert.strictEqual(now().attempt, 1);
  assert.strictEqual(clock.due.size, 1);
});

test("retry does not wait, and does nothing while an attempt runs", () => {
  const { socket, clock, link, now } = open();
  socket.emit("connect_error", new Error("no"));
  link.retry();
  assert.deepStrictEqual(socket.calls, ["disconnect", "connect"]);
  assert.strictEqual(now().retryAt, 0);
  link.retry();
  clock.advance(60000);
  assert.deepStrictEqual(socket.calls, ["disconnect", "connect"]);
});

test("the network's return is a retry", () => {
  const { socket, events, now } = open({ onLine: false });
  socket.up({ name: "polling" });
  socket.down("transport close");
  assert.strictEqual(now().why, "device");
  events.emit("online");
  assert.deepStrictEqual(socket.calls, ["disconnect", "connect"]);
});

test("a socket that the server ended comes back only when asked", () => {
  const { socket, clock, link, now } = open();
  socket.up({ name: "polling" });
  socket.down("io server disconnect");
  assert.strictEqual(now().name + " " + now().why, "offline kicked");
  clock.advance(3600000);
  assert.deepStrictEqual(socket.calls, []);
  link.retry();
  assert.deepStrictEqual(socket.calls, ["disconnect", "connect"]);
});

test("a refusal tells the server's words, with the 4.x and the 2.x client", () => {
  const four = open();
  four.socket.active = false;
  four.socket.emit("connect_error", new Error("room is full"));
  assert.strictEqual(four.now().why + ": " + four.now().reason, "refused: room is full");

  const two = open();
  two.socket.active = undefined;
  two.socket.emit("error", "room is full");
  assert.strictEqual(two.now().why + ": " + two.now().reason, "refused: room is full");
});

test("the last warning before the server ends the connection is the reason, and is told once", () => {
  const { socket, now, link } = open();
  socket.up({ name: "polling" });
  socket.emit("warning", { code: "rate_limit", message: "too fast" });
  socket.down("io server disconnect");
  assert.deepStrictEqual([now().why, now().reason.code], ["kicked", "rate_limit"]);
  link.retry();
  socket.up({ name: "polling" });
  socket.down("io server disconnect");
  assert.deepStrictEqual([now().why, now().reason], ["kicked", ""]);
});

test("having been too fast is no reason why a network went", () => {
  for (const [code, reason] of [["rate", undefined], ["too_large", "too_large"]]) {
    const { socket, now } = open();
    socket.up({ name: "polling" });
    socket.emit("warning", { code, message: "words" });
    socket.down("transport close");
    assert.deepStrictEqual([now().why, now().reason.code], ["lost", reason]);
  }
});

test("what the server answers to a request that it refuses is told, with the 4.x and the 2.x client", () => {
  for (const [status, code] of [[403, "foreign"], [421, "unnamed"], [429, "crowded"], [503, "unavailable"]]) {
    const { socket, now } = open();
    const context = { responseText: '{"code":4,"message":"Too many sessions"}' };
    socket.emit("connect_error", Object.assign(new Error("xhr poll error"), { description: status, context }));
    assert.deepStrictEqual([now().name, now().why], ["reconnecting", "refused"]);
    assert.deepStrictEqual({ ...now().reason }, { code, message: "Too many sessions" });
    const old = open();
    old.socket.emit("connect_error", Object.assign(new Error("xhr poll error"), { description: status }));
    assert.deepStrictEqual({ ...old.now().reason }, { code, message: "" });
  }
  const { socket, now } = open();
  const context = { responseText: "<html>" };
  socket.emit("connect_error", Object.assign(new Error("xhr poll error"), { description: 502, context }));
  assert.deepStrictEqual([now().why, now().reason], ["lost", ""]);
});

test("a request that fails behind the handshake tells its refusal too, with the 4.x and the 2.x client", () => {
  const context = { responseText: '{"code":4,"message":"Forbidden: words","reason":"proxy"}' };
  const four = open();
  four.socket.emit("disconnect", "transport error", Object.assign(new Error("xhr post error"), { description: 403, context }));
  assert.deepStrictEqual([four.now().why, { ...four.now().reason }], ["refused", { code: "proxied", message: "Forbidden: words" }]);
  assert.deepStrictEqual(four.asked, []);
  const two = open();
  two.socket.emit("error", Object.assign(new Error("xhr post error"), { type: "TransportError", description: 403 }));
  assert.deepStrictEqual([two.now().why, two.now().reason.code], ["refused", "foreign"]);
  assert.deepStrictEqual(two.asked.length, 1);
});

test("a connection that ends as it begins is asked about: clients before 3.x take it for open before they have sent anything", () => {
  const { socket, asked, now } = open();
  for (let attempt = 1; attempt <= 3; attempt++) {
    socket.up({ name: "polling" });
    socket.down("transport error");
    assert.strictEqual(asked.length, attempt);
    assert.strictEqual(now().attempt, attempt, "and it is no success");
    socket.emit("connect_error", new Error("still waiting"));
  }
});

test("where the client can't tell why there is no connection, the server is asked", () => {
  const { socket, clock, asked, now } = open();
  socket.emit("connect_error", new Error("websocket error"));
  assert.deepStrictEqual([now().why, asked.length, asked[0].path], ["lost", 1, "/chat/"]);
  asked[0].told({ code: "proxied", message: "words" });
  assert.deepStrictEqual([now().name, now().why, now().reason.code], ["reconnecting", "refused", "proxied"]);
  assert.ok(now().retryAt > 0, "it goes on trying");
  clock.advance(1000);
  socket.up({ name: "websocket" });
  asked[0].told({ code: "proxied", message: "words" });
  assert.strictEqual(now().name, "live", "a late answer changes nothing");
  clock.advance(6000);
  socket.down("transport close");
  assert.strictEqual(asked.length, 1, "a connection that was there is lost for no such reason");
});

test("a connection that the other end closed may have ended for what was sent; a silent one did not", () => {
  for (const [reason, onLine, blameless] of [["transport close", true, false], ["transport error", true, false],
    ["ping timeout", true, true], ["transport close", false, true]]) {
    const { socket, now } = open({ onLine });
    socket.up({ name: "polling" });
    socket.down(reason);
    assert.strictEqual(now().blameless, blameless, reason);
  }
});
