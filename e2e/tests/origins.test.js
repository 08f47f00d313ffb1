"use strict";

// Pages of other origins: refused unless they are listed, over polling and WebSocket alike.

const assert = require("node:assert/strict");
const { ask, connect, heard } = require("../client");
const { Polling, Wire, encode, refusal, request } = require("../raw");
const { bothVersions, everyClient, promise, serverFor } = require("../suite");
const { startProduct } = require("../target");

const LISTED = "https://listed.example";
const FOREIGN = "https://foreign.example";
const closed = serverFor(() => startProduct());
const listing = serverFor(() => startProduct({ CRIER_ALLOWED_ORIGINS: `${LISTED},http://other.example:8080` }));
const open = serverFor(() => startProduct({ CRIER_ALLOWED_ORIGINS: "*" }));

const handshake = (server, EIO, Origin, headers = {}) =>
  request(server, { query: { EIO, transport: "polling" }, headers: { Origin, ...headers } });
const sameOrigin = (server) => `http://127.0.0.1:${server.port}`;

bothVersions("a foreign origin is refused with code 4", async (t, eio) => {
  for (const [server, origin] of [
    [closed, FOREIGN],
    [closed, LISTED],
    [listing, FOREIGN],
    [listing, `${LISTED}:444`],
    [listing, "http://listed.example"],
    [closed, "null"],
  ]) {
    const { status, body, headers } = await handshake(server, eio, origin);
    assert.equal(status, 403, `${origin} was let in`);
    assert.equal(JSON.parse(body).code, 4);
    assert.equal(headers["access-control-allow-origin"], undefined);
    const refused = await refusal(server, { EIO: eio, transport: "websocket" }, { Origin: origin });
    assert.ok([400, 403].includes(refused.status), `${origin}: ${refused.status}`);
  }
});

bothVersions("the server's own origin and clients without one are let in", async (t, eio) => {
  for (const headers of [{}, { Origin: sameOrigin(closed) }]) {
    assert.equal((await request(closed, { query: { EIO: eio, transport: "polling" }, headers })).status, 200);
    const wire = await Wire.dial(closed, { EIO: eio }, headers);
    t.after(() => wire.close());
    await wire.next();
  }
});

bothVersions("a listed origin is let in and its browser is told so", async (t, eio) => {
  const { status, headers } = await handshake(listing, eio, LISTED);
  assert.equal(status, 200);
  assert.equal(headers["access-control-allow-origin"], LISTED);
  assert.equal(headers["access-control-allow-credentials"], "true");
  assert.match(headers.vary, /origin/i);
  const wire = await Wire.dial(listing, { EIO: eio }, { Origin: LISTED });
  t.after(() => wire.close());
  await wire.next();
});

bothVersions("a star lets every origin in, and polls and posts carry the headers too", async (t, eio) => {
  const session = await Polling.open(open, eio);
  if (eio === 4) await session.post("40");
  await session.until((packet) => packet.startsWith?.("40"));
  const poll = session.get({ headers: { Origin: FOREIGN } });
  const headers = { Origin: FOREIGN, "Content-Type": "text/plain" };
  const post = await session.postBody(encode(eio, ['42["message","hello",{}]', '420["f","afar"]']), { headers });
  for (const { status, headers } of [await poll, post]) {
    assert.equal(status, 200);
    assert.ok(["*", FOREIGN].includes(headers["access-control-allow-origin"]));
  }
});

promise("a browser that asks first is told what it may send", async () => {
  const ask = (server, origin) =>
    request(server, {
      method: "OPTIONS",
      query: { EIO: 4, transport: "polling", sid: "any" },
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-lab",
      },
    });
  const allowed = await ask(listing, LISTED);
  assert.ok([200, 204].includes(allowed.status));
  assert.equal(allowed.headers["access-control-allow-origin"], LISTED);
  assert.match(allowed.headers["access-control-allow-methods"], /POST/);
  assert.match(allowed.headers["access-control-allow-headers"], /content-type/i);
  const refused = await ask(listing, FOREIGN);
  assert.equal(refused.headers["access-control-allow-origin"], undefined);
});

everyClient("a client with a listed origin talks, one with a foreign origin does not connect", async (t, how) => {
  const socket = await connect(t, listing, { ...how, extraHeaders: { Origin: LISTED } });
  const [{ name }] = await ask(socket, "f", "from afar");
  assert.equal(name, "from afar");
  socket.send("hello");
  const [[data]] = await heard(socket, "news", 1);
  assert.equal(data, "hello");
  await assert.rejects(connect(t, listing, { ...how, extraHeaders: { Origin: FOREIGN } }));
});
