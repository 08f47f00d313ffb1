"use strict";

// Engine.IO over WebSocket, by hand: heartbeats, the upgrade in its steps, and the WebSocket wire itself.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const net = require("node:net");
const { settle } = require("../client");
const { Polling, Wire } = require("../raw");
const { assertGone, assertReason, bothVersions, promise, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());
const beating = serverFor(() =>
  startLab({ LAB_PING_INTERVAL: 200, LAB_PING_TIMEOUT: 1000, LAB_UPGRADE_TIMEOUT: 300, LAB_MAX_PAYLOAD: 1000 }),
);
const deflating = serverFor(() => startLab({ LAB_DEFLATE: "on" }));
const ECHO = '42["echo","text"]';

const upgrading = (server, session) => Wire.dial(server, { EIO: session.eio, sid: session.open.sid });

promise("in version 4 the server asks for a heartbeat, and goes when none comes", async (t) => {
  const wire = await Wire.join(beating, 4, { tag: "no pong" });
  for (let beats = 0; beats < 3; beats++) {
    assert.equal(await wire.next(), "2");
    wire.send("3");
  }
  assert.equal(await wire.next(), "2");
  await wire.closed();
  await assertReason(t, beating, "no pong", "ping timeout");
});

promise("in version 4 the heartbeat is asked for over polling too", async (t) => {
  const session = await Polling.join(beating, 4, { tag: "polled beats" });
  for (let beats = 0; beats < 3; beats++) {
    assert.deepEqual(await session.poll(), ["2"]);
    await session.post("3");
  }
  await session.until((packet) => packet === "2");
  await assertReason(t, beating, "polled beats", "ping timeout");
  await assertGone(session);
});

promise("in version 3 the client beats and the server answers", async (t) => {
  const wire = await Wire.join(beating, 3, { tag: "no ping" });
  for (let beats = 0; beats < 3; beats++) {
    wire.send("2");
    assert.equal(await wire.next(), "3");
  }
  await wire.closed();
  await assertReason(t, beating, "no ping", "ping timeout");
});

bothVersions("a heartbeat in the wrong direction ends the session", async (t, eio) => {
  const tag = `wrong beat ${eio}`;
  const wire = await Wire.join(lab, eio, { tag });
  wire.send(eio === 4 ? "2" : "3");
  await wire.closed();
  await assertReason(t, lab, tag, "transport error");
});

bothVersions("an upgrade goes by probe, noop and upgrade, and nothing is lost on the way", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const poll = session.poll();
  const wire = await upgrading(lab, session);
  t.after(() => wire.close());
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  assert.deepEqual(await poll, ["6"]);
  await session.post('42["echo",1]', '42["echo",2]');
  wire.send("5");
  wire.send('42["echo",3]');
  assert.deepEqual(
    [await wire.next(), await wire.next(), await wire.next()],
    [1, 2, 3].map((n) => `42["echo",${n}]`),
  );
});

bothVersions("a session that upgraded is polled no more", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const wire = await upgrading(lab, session);
  t.after(() => wire.close());
  wire.send("2probe");
  await wire.next();
  wire.send("5");
  wire.send(ECHO);
  assert.equal(await wire.next(), ECHO);
  const { status, body } = await session.get();
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), { code: 3, message: "Bad request" });
  wire.send(ECHO);
  assert.equal(await wire.next(), ECHO);
});

async function assertStillPolls(session) {
  await session.post(ECHO);
  const packets = await session.until((packet) => packet === ECHO);
  assert.equal(packets.filter((packet) => packet === ECHO).length, 1);
}

bothVersions("a probe that is dropped leaves the session on polling", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  for (const steps of [[], ["2probe"]]) {
    const wire = await upgrading(lab, session);
    for (const step of steps) (wire.send(step), await wire.next());
    wire.socket.terminate();
    await wire.closed();
    await assertStillPolls(session);
  }
});

bothVersions("a probe that says something else is closed, and the session stays on polling", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  for (const wrong of ["2", "2other", "42[1]", "nonsense"]) {
    const wire = await upgrading(lab, session);
    wire.send(wrong);
    await wire.closed();
    await assertStillPolls(session);
  }
});

bothVersions("a probe that falls silent is closed in time, and the session stays on polling", async (t, eio) => {
  for (const steps of [[], ["2probe"]]) {
    const session = await Polling.join(beating, eio);
    const wire = await upgrading(beating, session);
    for (const step of steps) (wire.send(step), await wire.next());
    const beats = keepAlive(session);
    await wire.closed();
    await beats.stop();
    await assertStillPolls(session);
  }
});

// Answers or sends heartbeats by polling until it is stopped.
function keepAlive(session) {
  let going = true;
  const done = (async () => {
    while (going) {
      if (session.eio === 3) await session.post("2");
      const packets = await session.poll();
      if (packets.includes("2")) await session.post("3");
    }
  })();
  return { stop: () => ((going = false), done) };
}

// One server accepts what it does not want and closes it, another refuses the handshake: clients take both alike.
async function assertTurnedAway(session) {
  const wire = await upgrading(lab, session).catch(() => null);
  await wire?.closed();
}

bothVersions("a second probe at the same time is turned away, and the first goes on", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const first = await upgrading(lab, session);
  t.after(() => first.close());
  first.send("2probe");
  assert.equal(await first.next(), "3probe");
  await assertTurnedAway(session);
  first.send("5");
  first.send(ECHO);
  assert.equal(await first.next(), ECHO);
});

bothVersions("a WebSocket for a session that has upgraded is turned away", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const first = await upgrading(lab, session);
  t.after(() => first.close());
  first.send("2probe");
  await first.next();
  first.send("5");
  first.send(ECHO);
  await first.next();
  await assertTurnedAway(session);
  first.send(ECHO);
  assert.equal(await first.next(), ECHO);
});

bothVersions("a WebSocket that closes ends the session", async (t, eio) => {
  const tag = `ws close ${eio}`;
  const wire = await Wire.join(lab, eio, { tag });
  wire.close();
  assert.equal(await wire.closed(), 1005);
  await assertReason(t, lab, tag, "transport close");
});

bothVersions("a close packet over WebSocket does what closing does, or nothing", async (t, eio) => {
  const wire = await Wire.join(lab, eio, { tag: `close packet ws ${eio}` });
  wire.send("1");
  wire.close();
  await wire.closed();
  await assertReason(t, lab, `close packet ws ${eio}`, "transport close");
});

bothVersions("a packet that cannot be read closes the session", async (t, eio) => {
  for (const wrong of ["x", "", "9", "abc"]) {
    const tag = `unreadable ${eio} ${wrong}`;
    const wire = await Wire.join(lab, eio, { tag });
    wire.send(wrong);
    await wire.closed();
    await assertReason(t, lab, tag, "parse error");
  }
});

bothVersions("a message over the limit closes the WebSocket with 1009", async (t, eio) => {
  const wire = await Wire.join(beating, eio);
  wire.send("4".padEnd(1100, "x"));
  assert.equal(await wire.closed(), 1009);
});

bothVersions("a fragmented message is one message, and control frames may come between", async (t, eio) => {
  const wire = await Wire.join(lab, eio);
  t.after(() => wire.close());
  const pong = settle("a pong", (resolve) => wire.socket.once("pong", (data) => resolve(data.toString())));
  wire.send('42["ec', { fin: false });
  wire.socket.ping("are you there");
  wire.send('ho","te', { fin: false });
  wire.send('xt"]', { fin: true });
  assert.equal(await wire.next(), ECHO);
  assert.equal(await pong, "are you there");
});

const BINARY_ECHO = '451-["echo",{"_placeholder":true,"num":0}]';
const BINARY_FORMS = [
  ["plain in version 4", 4, undefined, Buffer.from([0, 1, 255]), { binary: Buffer.from([0, 1, 255]) }],
  ["base64 in version 4 for a client that asks for it", 4, 1, "bAAH/", "bAAH/"],
  [
    "plain behind their type in version 3",
    3,
    undefined,
    Buffer.from([4, 0, 1, 255]),
    { binary: Buffer.from([4, 0, 1, 255]) },
  ],
  ["base64 in version 3 for a client that asks for it", 3, 1, "b4AAH/", "b4AAH/"],
];

for (const [form, eio, b64, sent, received] of BINARY_FORMS) {
  promise(`binary messages are ${form}`, async (t) => {
    const wire = await Wire.join(lab, eio, { b64 });
    t.after(() => wire.close());
    wire.send(BINARY_ECHO);
    wire.send(sent);
    assert.deepEqual([await wire.next(), await wire.next()], [BINARY_ECHO, received]);
  });
}

bothVersions("messages are compressed for clients that offer it, once that is switched on", async (t, eio) => {
  const [plain, deflated] = await Promise.all([Wire.join(lab, eio), Wire.join(deflating, eio)]);
  t.after(() => (plain.close(), deflated.close()));
  assert.equal(plain.socket.extensions, "");
  assert.match(deflated.socket.extensions, /^permessage-deflate/);
  for (const text of ["short", "compressible ".repeat(5000), randomBytes(5000).toString("hex"), "说".repeat(2000)]) {
    deflated.send(`42${JSON.stringify(["echo", text])}`);
    const [, back] = JSON.parse((await deflated.next()).slice(2));
    assert.ok(back === text, "the text came back changed");
  }
});

// A WebSocket connection without a library: `frames` go out after the handshake, what came until the close frame comes back.
function violate(server, frames) {
  return settle("the violated connection ends", (resolve, reject) => {
    const socket = net.connect(server.port, "127.0.0.1");
    const key = randomBytes(16).toString("base64");
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    let received = Buffer.alloc(0);
    let violated = false;
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!violated && received.includes("\r\n\r\n")) ((violated = true), socket.write(frames));
      if (received.includes(CLOSE)) socket.end();
    });
    socket.on("error", reject).on("close", () => resolve(received));
  });
}

const CLOSE = 0x88;
const masked = (first, payload) => Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);

// The code in the close frame that ends what the server sent; all before it is ASCII.
function closeCode(received) {
  const at = received.lastIndexOf(CLOSE);
  assert.ok(at >= 0, `no close frame: ${received.toString("latin1")}`);
  return received.readUInt16BE(at + 2);
}

const VIOLATIONS = [
  ["a frame without a mask", Buffer.from([0x81, 0x02, 0x34, 0x30]), 1002],
  ["a reserved bit", masked(0xc1, Buffer.from("40")), 1002],
  ["an unknown opcode", masked(0x83, Buffer.from("40")), 1002],
  ["a control frame in fragments", masked(0x09, Buffer.from("a")), 1002],
  ["a continuation of nothing", masked(0x80, Buffer.from("a")), 1002],
  ["text that is not UTF-8", masked(0x81, Buffer.from([0x34, 0xc3, 0x28])), 1007],
  ["a close frame with a wrong code", masked(0x88, Buffer.from([0x03, 0xec])), 1002],
];

for (const [what, frames, code] of VIOLATIONS) {
  promise(`${what} closes the WebSocket with ${code}`, async () => {
    assert.equal(closeCode(await violate(lab, frames)), code);
  });
}
