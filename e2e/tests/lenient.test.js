"use strict";

// What shipped clients and proxies send that the documents do not ask a server to take, and that npm's socket.io takes.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const net = require("node:net");
const { ask, connect, settle } = require("../client");
const { Polling, Wire, decode, encode, engineOf, request } = require("../raw");
const { bothVersions, everyClient, promise, serverFor } = require("../suite");
const { startLab, startProduct } = require("../target");

const lab = serverFor(() => startLab());
const product = serverFor(() => startProduct());

const NEWEST = ["polling", "websocket", "upgrade"].map((transport) => ({ version: "4.8.4", transport }));

everyClient(
  "a client that offers subprotocols is connected",
  async (t, how) => {
    const socket = await connect(t, lab, { ...how, protocols: ["chat", "superchat"] });
    assert.deepEqual(await ask(socket, "echo", "hello"), ["hello"]);
    const ws = socket.io.engine.transport.ws;
    if (how.transport !== "polling") assert.equal(ws.protocol, "chat");
  },
  { of: NEWEST },
);

bothVersions("of the subprotocols offered the first is chosen", async (t, eio) => {
  const session = await Polling.open(lab, eio);
  for (const query of [{ EIO: eio }, { EIO: eio, sid: session.open.sid }]) {
    const wire = await Wire.dial(lab, query, {}, ["v2.chat", "v1"]);
    t.after(() => wire.close());
    assert.equal(wire.socket.protocol, "v2.chat");
  }
});

// What the Java client 2.1 (Android's Base64.DEFAULT) and others make of bytes.
const WRITTEN = {
  "in lines": (bytes) => bytes.toString("base64").replace(/.{1,76}/g, "$&\n"),
  "in lines with CR": (bytes) => bytes.toString("base64").replace(/.{1,76}/g, "$&\r\n"),
  "safe for URLs": (bytes) => bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_"),
  "without padding": (bytes) => bytes.toString("base64url"),
};

for (const [name, write] of Object.entries(WRITTEN)) {
  bothVersions(`base64 ${name} is read`, async (t, eio) => {
    const bytes = Buffer.concat([Buffer.from("fbffbf", "hex"), randomBytes(500)]);
    const packet = (eio === 4 ? "b" : "b4") + write(bytes);
    const polling = await Polling.open(engineOf(lab), eio);
    assert.equal((await polling.post(packet, "4behind it")).status, 200);
    const echoed = await polling.until((got) => got === "4behind it");
    assert.deepEqual(echoed[0].binary, bytes);

    const wire = await Wire.dial(engineOf(lab), { EIO: eio });
    t.after(() => wire.close());
    await wire.next();
    wire.send(packet);
    const { binary } = await wire.next();
    assert.deepEqual(Buffer.from(binary).subarray(eio === 4 ? 0 : 1), bytes);
  });
}

// linkerd and vertx proxies send every request's body in chunks, an empty one too.
bothVersions("a GET with a body is served", async (t, eio) => {
  for (const body of ["", "{}"]) {
    const query = { EIO: eio, transport: "polling", b64: eio === 3 ? 1 : undefined };
    const headers = { "Transfer-Encoding": "chunked" };
    const opening = await request(lab, { query, headers, body });
    assert.equal(opening.status, 200, opening.body);
    const sid = JSON.parse(decode(eio, opening)[0].slice(1)).sid;
    if (eio === 4) await request(lab, { method: "POST", query: { ...query, sid }, body: encode(eio, ["40"]) });
    const polled = await request(lab, { query: { ...query, sid }, headers, body });
    assert.equal(polled.status, 200, polled.body);
    assert.match(polled.body, /from the connect handler|40/);
  }
});

// elephant.io 5 has one connection, and says something on it while its poll waits there.
for (const apart of [false, true]) {
  bothVersions(`a POST ${apart ? "behind" : "with"} a poll on the same connection is taken at once`, async (t, eio) => {
    const session = await Polling.open(product, eio);
    if (eio === 4) {
      await session.post("40");
      await session.poll();
    }
    const target = `/socket.io/?${new URLSearchParams(session.query)} HTTP/1.1\r\nHost: 127.0.0.1:${product.port}\r\n`;
    const poll = `GET ${target}\r\n`;
    const body = encode(eio, ['420["message"]']);
    const post = `POST ${target}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const line = net.connect(product.port, "127.0.0.1");
    t.after(() => line.destroy());
    let got = "";
    line.on("data", (bytes) => (got += bytes));
    const has = (what) =>
      settle(`${what} comes`, (resolve) => {
        const look = () => got.includes(what) && (line.off("data", look), resolve());
        line.on("data", look);
        look();
      });
    if (apart) line.write(poll, () => setTimeout(() => line.write(post), 50));
    else line.write(poll + post);
    await has("\r\n\r\nok");
    if (!got.includes('430[{"error"')) line.write(poll); // at the reference the first poll brings it
    await has('430[{"error"');
  });
}

promise("a number that JavaScript has no room for is told as null", async (t) => {
  const wire = await Wire.join(lab, 4);
  t.after(() => wire.close());
  wire.send(`420["echo",1e400,[-1e400,${"9".repeat(5000)}]]`);
  assert.equal(await wire.next(), "430[null,[null,null]]");
});
