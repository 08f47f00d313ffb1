"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

// A WebSocket whose other side is the test.
class FakeWebSocket {
  constructor(url, protocols) {
    if (url === "ws://forbidden") { throw new Error("insecure"); }
    Object.assign(this, { url, protocols, readyState: 0, bufferedAmount: 0, sent: [], closedWith: null });
    FakeWebSocket.all.push(this);
  }
  send(data) {
    if (this.readyState === 0) { throw new Error("still connecting"); }
    this.sent.push(data);
  }
  close(...how) {
    if (how[0] === 1001) { throw new Error("not for scripts"); }
    if (this.readyState < 2) { this.readyState = 2; this.closedWith = how; }
  }
  opens() { this.readyState = 1; this.onopen(); }
  ends(code, reason, clean) {
    this.readyState = 3;
    if (this.onclose) { this.onclose({ code, reason: reason || "", wasClean: Boolean(clean) }); }
  }
}

function open() {
  FakeWebSocket.all = [];
  const clock = makeClock();
  const told = [];
  const hear = (name) => (...values) => told.push([name, ...values]);
  const Crier = load(["playground/connection", "playground/reconnect"], Object.assign({ WebSocket: FakeWebSocket }, clock));
  const connection = new Crier.Connection({
    calling: hear("calling"), refused: hear("refused"), opened: hear("opened"), heard: hear("heard"), failed: hear("failed"),
    closed: (ending) => {
      told.push(["closed", Object.assign({}, ending)]);
      if (reconnect.wants(ending)) { reconnect.start(); }
    }
  });
  const connect = () => connection.open("ws://here", [], "blob");
  const reconnect = new Crier.Reconnect(connect);
  return { clock, told, connection, reconnect, connect, sockets: FakeWebSocket.all, ending: () => told.filter((one) => one[0] === "closed").pop()[1] };
}

test("the chosen address, subprotocols and binaryType reach the socket", () => {
  const { connection, sockets } = open();
  connection.open("ws://here/a", ["x", "y"], "arraybuffer");
  assert.strictEqual(sockets[0].url + " " + sockets[0].protocols + " " + sockets[0].binaryType, "ws://here/a x,y arraybuffer");
});

test("while one connects or is open, there is no second", () => {
  const { connect, sockets } = open();
  connect();
  connect();
  sockets[0].opens();
  connect();
  assert.strictEqual(sockets.length, 1);
});

test("a socket that is still closing is left, and says nothing any more", () => {
  const { connection, connect, sockets, told } = open();
  connect();
  sockets[0].opens();
  connection.close(1000, "");
  connect();
  assert.strictEqual(sockets.length, 2);
  const before = told.length;
  sockets[0].ends(1006);
  assert.strictEqual(told.length, before);
});

test("what the browser refuses is told, and ends nothing else", () => {
  const { connection, sockets, told } = open();
  connection.open("ws://forbidden", [], "blob");
  assert.strictEqual(told.pop()[0], "refused");
  connection.open("ws://here", [], "blob");
  sockets[0].opens();
  connection.close(1001, "");
  assert.strictEqual(told.pop()[0], "refused");
  assert.strictEqual(connection.isOpen(), true);
});

test("nothing is sent before the connection is open or after it", () => {
  const { connection, connect, sockets } = open();
  assert.strictEqual(connection.send("a"), false);
  connect();
  assert.strictEqual(connection.send("b"), false);
  sockets[0].opens();
  assert.strictEqual(connection.send("c"), true);
  connection.close(1000, "");
  assert.strictEqual(connection.send("d"), false);
  assert.deepStrictEqual(sockets[0].sent, ["c"]);
});

test("a close without a code sends none", () => {
  const { connection, connect, sockets } = open();
  connect();
  sockets[0].opens();
  connection.close(0, "");
  assert.deepStrictEqual(sockets[0].closedWith, []);
});

test("a lost connection comes back after 2 s, to the millisecond", () => {
  const { clock, connect, sockets } = open();
  connect();
  sockets[0].opens();
  sockets[0].ends(1006);
  clock.advance(1999);
  assert.strictEqual(sockets.length, 1);
  clock.advance(1);
  assert.strictEqual(sockets.length, 2);
});

test("it keeps trying, one at a time", () => {
  const { clock, connect, sockets } = open();
  connect();
  for (let n = 1; n <= 5; n++) {
    assert.strictEqual(sockets.length, n);
    sockets[n - 1].ends(1006);
    assert.strictEqual(clock.due.size, 1);
    clock.advance(2000);
  }
});

test("two losses within the wait are one reconnect", () => {
  const { clock, reconnect, connect, sockets } = open();
  connect();
  sockets[0].opens();
  sockets[0].ends(1006);
  clock.advance(1000);
  reconnect.start();
  assert.strictEqual(clock.due.size, 1);
  clock.advance(1000);
  assert.strictEqual(sockets.length, 2);
  clock.advance(60000);
  assert.strictEqual(sockets.length, 2);
});

test("no reconnect beside a connection that was made by hand during the wait", () => {
  const { clock, connect, sockets } = open();
  connect();
  sockets[0].ends(1006);
  connect();
  clock.advance(10000);
  assert.strictEqual(sockets.length, 2);
});

test("no reconnect after a close that the user asked for, with any code, however it ends", () => {
  for (const code of [0, 1000, 3000, 4999]) {
    for (const end of [code || 1005, 1006]) {
      const { clock, connection, connect, sockets, ending } = open();
      connect();
      sockets[0].opens();
      connection.close(code, "");
      sockets[0].ends(end);
      clock.advance(60000);
      assert.strictEqual(ending().asked, true);
      assert.strictEqual(sockets.length, 1, code + " " + end);
    }
  }
});

test("a close that the user asked for while it connects is one, too", () => {
  const { clock, connection, connect, sockets } = open();
  connect();
  connection.close(1000, "");
  sockets[0].ends(1006);
  clock.advance(60000);
  assert.strictEqual(sockets.length, 1);
});

test("a wish to close is forgotten with the next connection", () => {
  const { clock, connection, connect, sockets } = open();
  connect();
  sockets[0].opens();
  connection.close(1000, "");
  sockets[0].ends(1000, "", true);
  connect();
  sockets[1].opens();
  sockets[1].ends(1012, "", true);
  clock.advance(2000);
  assert.strictEqual(sockets.length, 3);
});

test("no reconnect after 1000, which says that all is done; one after any other code", () => {
  for (const [code, want] of [[1000, 1], [1001, 2], [1008, 2], [1012, 2], [1013, 2], [4000, 2]]) {
    const { clock, connect, sockets } = open();
    connect();
    sockets[0].opens();
    sockets[0].ends(code, "", true);
    clock.advance(2000);
    assert.strictEqual(sockets.length, want, String(code));
  }
});

test("stopping the wait, or switching reconnecting off, ends it", () => {
  for (const stop of [(reconnect) => reconnect.stop(), (reconnect) => reconnect.set(false)]) {
    const { clock, reconnect, connect, sockets } = open();
    connect();
    sockets[0].ends(1006);
    assert.strictEqual(reconnect.isWaiting(), true);
    stop(reconnect);
    assert.strictEqual(reconnect.isWaiting(), false);
    clock.advance(60000);
    assert.strictEqual(sockets.length, 1);
  }
});

test("a side that does not answer the close frame is given up after 3 s, and its late answer counts for nothing", () => {
  const { clock, connection, connect, sockets, told, ending } = open();
  connect();
  sockets[0].opens();
  connection.drop(4000, "no pong in time");
  assert.deepStrictEqual(sockets[0].closedWith, [4000, "no pong in time"]);
  clock.advance(2999);
  assert.strictEqual(told.some((one) => one[0] === "closed"), false);
  clock.advance(1);
  assert.deepStrictEqual(ending(), { code: 1006, reason: "", clean: false, givenUp: true, asked: false });
  sockets[0].ends(4000);
  clock.advance(60000);
  assert.strictEqual(told.filter((one) => one[0] === "closed").length, 1);
  assert.strictEqual(sockets.length, 2);
});

test("a side that answers in time is not given up", () => {
  const { clock, connection, reconnect, connect, sockets, told } = open();
  reconnect.set(false);
  connect();
  sockets[0].opens();
  connection.drop(4000, "no pong in time");
  sockets[0].ends(4000, "no pong in time", true);
  clock.advance(60000);
  assert.strictEqual(told.filter((one) => one[0] === "closed").length, 1);
});
