"use strict";

// Engine.IO, "Message" and "Packet encoding": what goes in comes back as it was, and what can't be read ends the session.

const assert = require("node:assert/strict");
const { Polling, decode, encode } = require("../raw");
const { bothVersions, promise } = require("../suite");
const { assertEchoes, assertOver, dialed, laboratory, underWay } = require("./sessions");

const { engine } = laboratory();

const TEXTS = {
  "a text": ["4hello"],
  "an empty message": ["4"],
  "several texts": ["4one", "4two", "4three"],
  "text beyond ASCII": ["4€", "4 üß", "4说话", "4🦜"],
  "what looks like a payload": ["44hello", '42["x"]', "46:4hello", "4b4AQ=="],
};

// Polls until as many packets are there as were sent: a poll may be answered with the first of them.
async function echoes(session, count) {
  const packets = [];
  while (packets.length < count) packets.push(...(await session.poll()));
  return packets;
}

for (const [what, packets] of Object.entries(TEXTS)) {
  bothVersions(`${what} comes back over long-polling`, async (t, eio) => {
    const session = await Polling.open(engine, eio);
    const { status, body } = await session.post(...packets);
    assert.deepEqual([status, body], [200, "ok"]);
    assert.deepEqual(await echoes(session, packets.length), packets);
  });

  bothVersions(`${what} comes back over WebSocket`, async (t, eio) => {
    const wire = await dialed(t, engine, eio);
    for (const packet of packets) wire.send(packet);
    for (const packet of packets) assert.equal(await wire.next(), packet);
  });
}

const BASE64 = { 3: "b4AQIDBA==", 4: "bAQIDBA==" };

bothVersions("text and binary share a payload, binary in base64", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const payload = encode(eio, ["4hello", BASE64[eio]]);
  assert.equal((await session.postBody(payload)).body, "ok");
  const answer = await session.get();
  assert.equal(answer.status, 200);
  assert.equal(answer.body, payload);
});

promise("a client of version 3 that can read binary gets a payload of bytes", async () => {
  const session = await Polling.open(engine, 3, { b64: undefined });
  await session.postBody(encode(3, ["4hello", BASE64[3]]));
  const { status, headers, raw } = await session.get();
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^application\/octet-stream/);
  const text = [0, 6, 255, ...Buffer.from("4hello")]; // 0 is text; its length in digits; the end of the length
  const binary = [1, 5, 255, 4, 1, 2, 3, 4]; // 1 is binary
  assert.deepEqual([...raw], [...text, ...binary]);
});

const FRAMES = { 3: Buffer.from([4, 1, 2, 3, 4]), 4: Buffer.from([1, 2, 3, 4]) };
const EMPTY = { 3: Buffer.from([4]), 4: Buffer.alloc(0) };

bothVersions("a binary message comes back over WebSocket as a binary frame", async (t, eio) => {
  const wire = await dialed(t, engine, eio);
  for (const data of [FRAMES[eio], EMPTY[eio]]) {
    wire.send(data);
    assert.deepEqual(await wire.next(), { binary: data });
  }
});

bothVersions("the order of messages stands, from one POST to the next", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const sent = Array.from({ length: 30 }, (_, n) => `4${n}`);
  for (let at = 0; at < sent.length; at += 3) await session.post(...sent.slice(at, at + 3));
  assert.deepEqual(await echoes(session, sent.length), sent);
});

const UNREADABLE = { "no type at all": "abc", "an unknown type": "9" };
const LENGTHS = { "a length that is none": "x:4", "more than there is": "9:4", "less than there is": "1:4hello" };

// The answer to what can't be read is open: 400, or none.
async function assertRefused(session, body) {
  await session.postBody(body).catch(() => "the connection was closed");
  await assertOver(session);
}

for (const [what, body] of Object.entries(UNREADABLE)) {
  bothVersions(`${what} ends a session on long-polling`, async (t, eio) => {
    await assertRefused(await Polling.open(engine, eio), body);
  });

  bothVersions(`${what} ends a session on WebSocket`, async (t, eio) => {
    const wire = await dialed(t, engine, eio);
    wire.send(body);
    await wire.closed();
  });
}

for (const [what, body] of Object.entries(LENGTHS)) {
  promise(`in version 3 ${what} ends the session`, async () => {
    await assertRefused(await Polling.open(engine, 3), body);
  });
}

bothVersions("a second GET beside one that waits is refused, and both lose their session", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = await underWay(session);
  const answers = await Promise.all([waiting.answer, session.get()]);
  answers.sort((a, b) => a.status - b.status); // which of them came first, the network decides
  const [closed, refused] = answers;
  assert.deepEqual([closed.status, decode(eio, closed)], [200, ["1"]]);
  assert.ok([400, 500].includes(refused.status), `refused with ${refused.status}`); // Node's has been both
  await assertOver(session);
});

bothVersions("a second POST beside one that is being read is refused, and the session ends", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const headers = { "Content-Type": "text/plain", "Content-Length": 100, Expect: "100-continue" };
  let first;
  const reading = new Promise((resolve) => {
    const started = (sent) => (first = sent).once("continue", resolve);
    session.get({ method: "POST", headers, started }).catch(() => {});
  });
  t.after(() => first.destroy());
  await reading;
  const { status } = await session.post("4hello");
  assert.ok([400, 500].includes(status), `refused with ${status}`);
  await assertOver(session);
});

bothVersions("a GET that the client gives up ends the session", async (t, eio) => {
  const session = await Polling.open(engine, eio);
  const waiting = await underWay(session);
  waiting.sent.destroy();
  const next = await session.get();
  if (next.status === 200) assert.deepEqual(decode(eio, next), ["1"]); // it came before the one that was given up
  await assertOver(session);
});

bothVersions("sessions that end take no others with them", async (t, eio) => {
  const wire = await dialed(t, engine, eio);
  const [broken, whole] = await Promise.all([Polling.open(engine, eio), Polling.open(engine, eio)]);
  await assertRefused(broken, "abc");
  await whole.post("4hello");
  assert.deepEqual(await whole.poll(), ["4hello"]);
  await assertEchoes(wire);
});
