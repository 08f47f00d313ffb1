"use strict";

// Clients whose packages can't be had from a registry of Debian, Go or npm: what they write is replayed, header for header.

const assert = require("node:assert/strict");
const { registered, say } = require("../speakers");
const { promise, serverFor } = require("../suite");
const { startProduct } = require("../target");
const { Connection } = require("./replay");

const server = serverFor(() => startProduct());
const host = () => `127.0.0.1:${server.port}`;
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const sidOf = (open) => JSON.parse(open.slice(1)).sid;
const friendOf = (t, client) => registered(t, server, { version: "4.8.4", transport: "websocket" }, `friend of ${client}`);

// The main job by Socket.IO's packets, once the session is open: a text and its answer, and what the friend says.
async function talk(send, next, friend, name) {
  await send("40");
  assert.match(await next(), /^40\{"sid":/);
  await send(`420["f","${name}"]`);
  assert.match(await next(), new RegExp(`^430\\[\\{"name":"${name}"`));
  await send('421["message","from afar"]');
  const told = [await next(), await next()].sort();
  assert.match(told[0], new RegExp(`^42\\["news","from afar",\\{"from":"${name}"`));
  assert.match(told[1], /^431\[\{"offset":/);
  await say(friend, "from near");
  assert.match(await next(), /^42\["news","from near",\{"from":"friend/);
}

// Sends and takes packets over polling, with one request at a time on the connection; `get` and `post` write what the client writes.
function overPolling(connection, get, post) {
  const waiting = [];
  const next = async () => {
    while (!waiting.length) {
      get();
      const { status, body } = await connection.answer();
      assert.equal(status, 200, body);
      waiting.push(...body.split("\x1e").filter((packet) => packet !== "6"));
    }
    return waiting.shift();
  };
  const send = async (packet) => {
    post(packet);
    assert.equal((await connection.answer()).body, "ok");
  };
  return { send, next };
}

// arduinoWebSockets (Links2004) has SocketIOclient: it opens the session by polling, and the WebSocket on the same connection. It sends
// the upgrade's confirmation behind the probe without waiting for an answer.
promise("an ESP8266 or ESP32 with arduinoWebSockets is served", async (t) => {
  const friend = await friendOf(t, "ESP");
  const connection = await Connection.open(t, server);
  connection.request([
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1",
    `Host: ${host()}`,
    "Connection: keep-alive",
    "Origin: file://",
    "User-Agent: arduino-WebSocket-Client",
  ]);
  const { status, body } = await connection.answer();
  assert.equal(status, 200, body);
  connection.request([
    `GET /socket.io/?EIO=4&transport=websocket&sid=${sidOf(body)} HTTP/1.1`,
    `Host: ${host()}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Protocol: arduino",
    "Origin: file://",
    "User-Agent: arduino-WebSocket-Client",
  ]);
  assert.equal((await connection.answer()).status, 101);
  connection.send("2probe", "5");
  assert.equal(await connection.text(), "3probe");
  await talk((packet) => connection.send(packet), () => connection.text(), friend, "ESP");
});

// socket.io-client-swift over Starscream 4.
promise("a client in Swift with Starscream is served", async (t) => {
  const friend = await friendOf(t, "Swift");
  const connection = await Connection.open(t, server);
  connection.request([
    "GET /socket.io/?transport=websocket&EIO=4 HTTP/1.1",
    `Host: ${host()}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Origin: ws://${host()}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=15",
  ]);
  assert.equal((await connection.answer()).status, 101);
  assert.match(await connection.text(), /^0\{"sid":/);
  await talk((packet) => connection.send(packet), () => connection.text(), friend, "Swift");
});

// The client for Java and Android 2.1, whose requests are OkHttp's.
promise("a client in Java with OkHttp is served by polling", async (t) => {
  const friend = await friendOf(t, "Java");
  const connection = await Connection.open(t, server);
  const usual = ["Accept: */*", `Host: ${host()}`, "Connection: Keep-Alive", "Accept-Encoding: gzip", "User-Agent: okhttp/3.12.12"];
  let query = "EIO=4&transport=polling";
  const get = () => connection.request([`GET /socket.io/?${query} HTTP/1.1`, ...usual]);
  const post = (packet) =>
    connection.request(
      [
        `POST /socket.io/?${query} HTTP/1.1`,
        "Content-Type: text/plain;charset=UTF-8",
        `Content-Length: ${Buffer.byteLength(packet)}`,
        ...usual,
      ],
      packet,
    );
  const { send, next } = overPolling(connection, get, post);
  query += `&sid=${sidOf(await next())}`;
  await talk(send, next, friend, "Java");
});

// elephant.io 5 in PHP, by polling.
promise("a client in PHP with elephant.io is served by polling", async (t) => {
  const friend = await friendOf(t, "PHP");
  const connection = await Connection.open(t, server);
  let query = "EIO=4&transport=polling";
  const usual = [`Host: ${host()}`, "Connection: keep-alive", "Origin: *"];
  const get = () => connection.request([`GET /socket.io/?${query}&t=OxYz HTTP/1.1`, ...usual]);
  const post = (packet) =>
    connection.request(
      [
        `POST /socket.io/?${query}&t=OxYz HTTP/1.1`,
        "Content-type: text/plain; charset=UTF-8",
        `Content-Length: ${Buffer.byteLength(packet)}`,
        ...usual,
      ],
      packet,
    );
  const { send, next } = overPolling(connection, get, post);
  query += `&sid=${sidOf(await next())}`;
  await talk(send, next, friend, "PHP");
});
