"use strict";

// Engine.IO 3 and 4 over HTTP, by hand: handshake, payloads, error bodies, closing.

const assert = require("node:assert/strict");
const { describe } = require("node:test");
const { gunzipSync } = require("node:zlib");
const { Polling, Wire, decode, encode, refusal, request } = require("../raw");
const { assertGone, assertReason, bothVersions, promise, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());
const small = serverFor(() => startLab({ LAB_MAX_PAYLOAD: 1000, LAB_CONNECT_TIMEOUT: 300 }));
const modern = serverFor(() => startLab({ LAB_EIO3: "off" }));
const isEvent = (name) => (packet) => packet.startsWith?.(`42["${name}"`);

bothVersions("a handshake over polling tells what the client must know", async (t, eio) => {
  const { opening, open } = await Polling.open(lab, eio);
  assert.equal(opening.status, 200);
  assert.match(opening.headers["content-type"], /^text\/plain; charset=utf-8$/i);
  assert.match(opening.headers["cache-control"], /no-store/);
  const { sid, ...rest } = open;
  assert.deepEqual(rest, { upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
  assert.ok(typeof sid === "string" && sid.length >= 20, `a short session id: ${sid}`);
});

bothVersions("a handshake over WebSocket offers no upgrade", async (t, eio) => {
  const wire = await Wire.dial(lab, { EIO: eio });
  t.after(() => wire.close());
  const open = await wire.next();
  const { sid, upgrades } = JSON.parse(open.slice(1));
  assert.deepEqual(upgrades, []);
  assert.ok(sid.length >= 20);
});

promise("without EIO, and with one that nobody knows, it is version 3", async () => {
  for (const query of [{}, { EIO: "5" }, { EIO: "abc" }]) {
    const { status, body } = await request(lab, { query: { transport: "polling", b64: 1, ...query } });
    assert.equal(status, 200);
    assert.match(body, /^\d+:0\{/);
  }
});

promise("session ids do not repeat", async () => {
  const sessions = await Promise.all(Array.from({ length: 50 }, () => Polling.open(lab, 4)));
  assert.equal(new Set(sessions.map(({ open }) => open.sid)).size, 50);
});

function assertError({ status, headers, body }, code, message, expected = 400) {
  assert.equal(status, expected);
  assert.match(headers["content-type"], /^application\/json/);
  assert.deepEqual(JSON.parse(body), { code, message });
}

const ERRORS = {
  unknownTransport: [0, "Transport unknown"],
  unknownSession: [1, "Session ID unknown"],
  badMethod: [2, "Bad handshake method"],
  badRequest: [3, "Bad request"],
  unsupported: [5, "Unsupported protocol version"],
};

bothVersions("an unknown transport is refused with code 0", async (t, EIO) => {
  assertError(await request(lab, { query: { EIO } }), ...ERRORS.unknownTransport);
  assertError(await request(lab, { query: { EIO, transport: "carrier pigeon" } }), ...ERRORS.unknownTransport);
  assertError(await request(lab, { query: { EIO, transport: "constructor" } }), ...ERRORS.unknownTransport);
});

bothVersions("an unknown session is refused with code 1", async (t, EIO) => {
  for (const sid of ["nobody", "__proto__", "constructor"]) {
    assertError(await request(lab, { query: { EIO, transport: "polling", sid } }), ...ERRORS.unknownSession);
    assertError(
      await request(lab, { method: "POST", query: { EIO, transport: "polling", sid } }),
      ...ERRORS.unknownSession,
    );
  }
});

bothVersions("a handshake by another method is refused with code 2", async (t, EIO) => {
  for (const method of ["POST", "PUT"]) {
    assertError(await request(lab, { method, query: { EIO, transport: "polling" } }), ...ERRORS.badMethod);
  }
});

bothVersions("a WebSocket handshake without its headers is refused with code 3", async (t, EIO) => {
  assertError(await request(lab, { query: { EIO, transport: "websocket" } }), ...ERRORS.badRequest);
});

bothVersions("a poll of a WebSocket session is refused with code 3", async (t, EIO) => {
  const wire = await Wire.join(lab, EIO);
  t.after(() => wire.close());
  assertError(await request(lab, { query: { EIO, transport: "polling", sid: wire.open.sid } }), ...ERRORS.badRequest);
  wire.send('42["echo","alive"]');
  assert.equal(await wire.next(), '42["echo","alive"]');
});

bothVersions("a session cannot change its protocol version", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const other = { ...session.query, EIO: eio === 3 ? 4 : 3 };
  assertError(await request(lab, { query: other }), ...ERRORS.badRequest);
  assertError(await request(lab, { method: "POST", query: other, body: "6" }), ...ERRORS.badRequest);
});

promise("version 3 is refused with code 5 when it is switched off", async () => {
  assertError(await request(modern, { query: { EIO: 3, transport: "polling" } }), ...ERRORS.unsupported);
  assertError(await request(modern, { query: { transport: "polling" } }), ...ERRORS.unsupported);
  await Polling.join(modern, 4);
});

bothVersions("a WebSocket handshake is refused with status 400 and a word", async (t, EIO) => {
  for (const [query, message] of [
    [{ EIO }, "Transport unknown"],
    [{ EIO, transport: "nothing" }, "Transport unknown"],
    [{ EIO, transport: "websocket", sid: "nobody" }, "Session ID unknown"],
  ]) {
    const { status, body } = await refusal(lab, query);
    assert.equal(status, 400);
    assert.ok(body.includes(message), body);
  }
});

bothVersions("a POST is answered with ok, and what it asked comes with the next poll", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const { status, body, headers } = await session.post('42["echo","text"]');
  assert.deepEqual([status, body, headers["content-type"]], [200, "ok", "text/html"]);
  assert.deepEqual(await session.poll(), ['42["echo","text"]']);
});

bothVersions("a payload may hold several packets both ways", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const echoes = [1, 2, 3].map((n) => `42["echo",${n}]`);
  await session.post(...echoes);
  const answers = [];
  while (answers.length < 3) answers.push(...(await session.poll()));
  assert.deepEqual(answers, echoes);
});

bothVersions("what waits for the next poll comes in one payload", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const asked = Array.from({ length: 10 }, (_, n) => `42["echo",${n}]`);
  for (const packet of asked) await session.post(packet);
  await session.post('42["echo","last"]');
  const answers = await session.until(isEvent("echo"));
  while (answers.at(-1) !== '42["echo","last"]') answers.push(...(await session.poll()));
  assert.deepEqual(answers, [...asked, '42["echo","last"]']);
});

bothVersions("a poll waits until there is something to say", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  let answered = false;
  const poll = session.poll().then((packets) => ((answered = true), packets));
  await session.post('42["record",1]');
  assert.equal(answered, false);
  await session.post('42["echo","now"]');
  assert.deepEqual(await poll, ['42["echo","now"]']);
});

bothVersions("a volatile event is not kept for a client that has no poll open", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  await session.post(
    '42["say",{"everyone":true,"volatile":true},"said","lost"]',
    '42["say",{"everyone":true},"said","kept"]',
  );
  assert.deepEqual(await session.until(isEvent("said")), ['42["said","kept"]']);
});

describe("a payload that cannot be read closes the session", () => {
  const broken = {
    4: ["abc", "", "8hello", "6\x1e\x1e6"],
    3: ["abc", "", "3:4", "10:42[1]", ":4", "-1:4", "1:9", "1:62:"],
  };
  for (const eio of [3, 4]) {
    for (const body of broken[eio]) {
      promise(`EIO ${eio} ${JSON.stringify(body)}`, async (t) => {
        const tag = `broken ${eio} ${body}`;
        const session = await Polling.join(lab, eio, { tag });
        await session.postBody(body).catch(() => "the answer is open: the session ends with the request");
        await assertGone(session);
        await assertReason(t, lab, tag, "parse error");
      });
    }
  }
});

promise("a binary body is no payload in version 4", async () => {
  const session = await Polling.join(lab, 4);
  const posted = session.postBody(Buffer.from([1, 2]), { headers: { "Content-Type": "application/octet-stream" } });
  assert.equal((await posted).status, 400);
  await assertGone(session);
});

bothVersions("a body over the limit is refused with 413 and not handled", async (t, eio) => {
  const session = await Polling.join(small, eio);
  const { status } = await session.post(`42["echo","${"x".repeat(1200)}"]`);
  assert.equal(status, 413);
});

bothVersions("a body up to the limit is taken", async (t, eio) => {
  const session = await Polling.join(small, eio);
  const text = `42["echo","${"x".repeat(900)}"]`;
  assert.equal((await session.post(text)).status, 200);
  assert.deepEqual(await session.poll(), [text]);
});

bothVersions("a second poll at the same time closes the session", async (t, eio) => {
  const tag = `two polls ${eio}`;
  const session = await Polling.join(lab, eio, { tag });
  const answers = await Promise.all([session.get(), session.get()]);
  answers.sort((a, b) => a.status - b.status);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400],
  );
  assert.deepEqual(decode(eio, answers[0]), ["1"]);
  await assertGone(session);
  await assertReason(t, lab, tag, "transport error");
});

bothVersions("a second POST at the same time closes the session", async (t, eio) => {
  const tag = `two posts ${eio}`;
  const session = await Polling.join(lab, eio, { tag });
  let first;
  const reading = new Promise((resolve) => {
    const headers = { "Content-Type": "text/plain", "Content-Length": 100, Expect: "100-continue" };
    session
      .get({ method: "POST", headers, started: (sent) => ((first = sent), sent.once("continue", resolve)) })
      .catch(() => {});
  });
  t.after(() => first.destroy());
  await reading;
  assert.equal((await session.post('42["echo",1]')).status, 400);
  await assertGone(session);
  await assertReason(t, lab, tag, "transport error");
});

bothVersions("a close packet ends the session, and the poll that waits", async (t, eio) => {
  const tag = `close packet ${eio}`;
  const session = await Polling.join(lab, eio, { tag });
  const waiting = session.poll();
  await session.post('42["record",1]');
  await session.post("1");
  assert.deepEqual(await waiting, ["6"]);
  await assertGone(session);
  await assertReason(t, lab, tag, "transport close");
});

bothVersions("a poll that the client abandons ends the session", async (t, eio) => {
  const tag = `abandoned ${eio}`;
  const session = await Polling.join(lab, eio, { tag });
  let sent;
  session.get({ started: (request) => (sent = request) }).catch(() => {});
  await session.post('42["record",1]');
  sent.destroy();
  await assertReason(t, lab, tag, "transport error");
  await assertGone(session);
});

bothVersions("long answers are compressed for clients that can read it, unless told otherwise", async (t, eio) => {
  const session = await Polling.join(lab, eio);
  const long = "compressible ".repeat(200);
  const ask = async (packet, headers) => (await session.post(packet), session.get({ headers }));
  const zipped = await ask(`42["echo","${long}"]`, { "Accept-Encoding": "gzip" });
  assert.equal(zipped.headers["content-encoding"], "gzip");
  assert.ok(zipped.raw.length < long.length);
  assert.deepEqual(decode(eio, { raw: gunzipSync(zipped.raw), headers: zipped.headers }), [`42["echo","${long}"]`]);
  const plain = await ask(`42["echo","${long}"]`, {});
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.deepEqual(decode(eio, plain), [`42["echo","${long}"]`]);
  const short = await ask('42["echo","short"]', { "Accept-Encoding": "gzip" });
  assert.equal(short.headers["content-encoding"], undefined);
});

const BINARY_ECHO = '451-["echo",{"_placeholder":true,"num":0}]';

promise("binary travels as base64 in version 4", async () => {
  const session = await Polling.join(lab, 4);
  await session.post(BINARY_ECHO, "bAAEC/w==");
  const answer = await session.get();
  assert.equal(answer.body, encode(4, [BINARY_ECHO, "bAAEC/w=="]));
});

promise("binary travels as base64 in version 3 when the client asks for it", async () => {
  const session = await Polling.join(lab, 3);
  await session.post(BINARY_ECHO, "b4AAEC/w==");
  const answer = await session.get();
  assert.equal(answer.body, encode(3, [BINARY_ECHO, "b4AAEC/w=="]));
});

const framed = (kind, bytes) => Buffer.from([kind, ...String(bytes.length).split("").map(Number), 255, ...bytes]);

promise("binary travels in binary payloads in version 3", async () => {
  const session = await Polling.open(lab, 3, { b64: undefined });
  await session.until(isEvent("hello"));
  const body = Buffer.concat([framed(0, Buffer.from(BINARY_ECHO)), framed(1, [4, 0, 1, 2, 255])]);
  await session.postBody(body, { headers: { "Content-Type": "application/octet-stream" } });
  const packets = await session.until((packet) => packet.binary);
  assert.deepEqual(packets, [BINARY_ECHO, { binary: Buffer.from([0, 1, 2, 255]) }]);
});
