"use strict";

// Requests to a proxy by hand, each on a connection of its own.

const https = require("node:https");
const { settle } = require("../client");

const HOST = "127.0.0.1";

// `from` is the loopback address that the request comes from.
const target = (proxy, from, headers) => ({
  host: HOST,
  port: proxy.port,
  servername: "localhost",
  ca: proxy.ca,
  agent: false,
  localAddress: from,
  headers: { Host: `localhost:${proxy.port}`, ...headers },
});

// The answer: {status, headers, body}.
function request(proxy, path, { method = "GET", headers = {}, body, from } = {}) {
  return settle(`${method} ${path} through ${proxy.name} is answered`, (resolve, reject) => {
    const sent = https.request({ ...target(proxy, from, headers), path, method }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part)).on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

// A WebSocket handshake: the answer's status. The connection is closed then.
function handshake(proxy, path, { headers = {}, from } = {}) {
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return settle(`a WebSocket handshake through ${proxy.name} is answered`, (resolve, reject) => {
    const sent = https.request({ ...target(proxy, from, { ...upgrade, ...headers }), path });
    sent.on("upgrade", (response, socket) => (socket.destroy(), resolve(response.statusCode)));
    sent.on("response", (response) => (response.destroy(), resolve(response.statusCode)));
    sent.on("error", reject);
    sent.end();
  });
}

// A polling session of the newest client's protocol: its address below `prefix`.
async function openSession(proxy, prefix = "") {
  const path = `${prefix}/socket.io/?EIO=4&transport=polling`;
  const { body } = await request(proxy, path);
  return `${path}&sid=${JSON.parse(body.slice(1)).sid}`;
}

module.exports = { handshake, openSession, request };
