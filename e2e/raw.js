"use strict";

// Engine.IO by hand: HTTP requests, payloads and WebSocket messages exactly as a test writes them.

const http = require("node:http");
const { WebSocket } = require("ws");
const { settle } = require("./client");

const SEPARATOR = "\x1e";
const PATH = "/socket.io/";

// A parameter that is undefined is left out. A server with a `path` is asked there: see `engineOf`.
function address(server, query, path = server.path ?? PATH) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${server.url}${path}?${new URLSearchParams(given)}`;
}

// The laboratory's bare Engine.IO, which sends back each message that it gets.
const engineOf = (lab) => Object.create(lab, { path: { value: "/engine.io/" } });

// One HTTP request on a connection of its own; `started` hears of the request before its answer.
function request(server, { method = "GET", query = {}, path, body, headers = {}, started = () => {} }) {
  return settle(`${method} ${address(server, query, path)} is answered`, (resolve, reject) => {
    const sent = http.request(address(server, query, path), { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk)).on("error", reject);
      response.on("end", () => resolve(answer(response, Buffer.concat(chunks))));
    });
    sent.on("error", reject);
    started(sent);
    if (headers.Expect) sent.flushHeaders();
    else sent.end(body);
  });
}

const answer = ({ statusCode, headers }, raw) => ({ status: statusCode, headers, raw, body: raw.toString() });

// Packets of a payload: strings, or {binary: Buffer}.
function decode(eio, { raw, headers }) {
  if (headers["content-type"]?.startsWith("application/octet-stream")) return decodeBinary(raw);
  return decodeText(eio, raw.toString());
}

function decodeText(eio, text) {
  return (eio === 4 ? text.split(SEPARATOR) : decodeLengths(text)).map(unpack(eio));
}

// Base64 packets: "b..." is a message in protocol 4, "b4..." in protocol 3.
const unpack = (eio) => (packet) =>
  packet[0] === "b" ? { binary: Buffer.from(packet.slice(eio === 4 ? 1 : 2), "base64") } : packet;

// <length>:<packet>, the length in UTF-16 units.
function decodeLengths(text) {
  const packets = [];
  for (let rest = text; rest !== "";) {
    const [digits] = rest.match(/^\d+(?=:)/) || [];
    if (!digits) throw new Error(`not a payload: ${text}`);
    const start = digits.length + 1;
    packets.push(rest.slice(start, start + Number(digits)));
    rest = rest.slice(start + Number(digits));
  }
  return packets;
}

// 0 (text) or 1 (binary), the digits of the length as bytes, 255, the packet.
function decodeBinary(raw) {
  const packets = [];
  for (let at = 0; at < raw.length;) {
    const end = raw.indexOf(255, at);
    const length = Number([...raw.subarray(at + 1, end)].join(""));
    const packet = raw.subarray(end + 1, end + 1 + length);
    packets.push(raw[at] === 0 ? packet.toString() : { binary: packet.subarray(1) });
    at = end + 1 + length;
  }
  return packets;
}

function encode(eio, packets) {
  if (eio === 4) return packets.join(SEPARATOR);
  return packets.map((packet) => `${packet.length}:${packet}`).join("");
}

// A polling session. Further query parameters go with each request.
class Polling {
  static async open(server, eio, query = {}) {
    const session = new Polling();
    Object.assign(session, {
      server,
      eio,
      query: { ...(eio === 4 ? { EIO: 4 } : { EIO: 3, b64: 1 }), transport: "polling", ...query },
    });
    session.opening = await request(server, { query: session.query });
    const [open, ...packets] = decode(eio, session.opening);
    session.open = JSON.parse(open.slice(1));
    session.packets = packets; // until takes them before it polls
    session.query.sid = session.open.sid;
    return session;
  }

  // A session whose client is in the main namespace, and has heard the laboratory's hello.
  static async join(server, eio, query) {
    const session = await Polling.open(server, eio, query);
    if (eio === 4) await session.post("40");
    await session.until((packet) => packet.startsWith?.('42["hello"'));
    return session;
  }

  get(options = {}) {
    return request(this.server, { query: this.query, ...options });
  }

  // The packets of one poll.
  async poll() {
    return decode(this.eio, await this.get());
  }

  post(...packets) {
    return this.postBody(encode(this.eio, packets));
  }

  postBody(body, options = {}) {
    return this.get({ method: "POST", body, headers: { "Content-Type": "text/plain;charset=UTF-8" }, ...options });
  }

  // Polls until a packet is as wanted; answers with all packets up to there.
  async until(wanted) {
    const all = this.packets.splice(0);
    while (!all.some(wanted)) all.push(...(await this.poll()));
    return all;
  }
}

// A WebSocket whose messages wait in line until they are asked for.
class Wire {
  static async dial(server, query, headers = {}, protocols = []) {
    const url = address(server, { transport: "websocket", ...query }).replace("http", "ws");
    const wire = new Wire(new WebSocket(url, protocols, { headers }));
    await settle("the WebSocket opens", (resolve, reject) => {
      wire.socket.once("open", resolve);
      wire.socket.once("unexpected-response", (sent, response) =>
        reject(new Error(`refused with ${response.statusCode}`)),
      );
      wire.socket.once("error", reject);
    });
    wire.socket.on("error", () => {});
    return wire;
  }

  // A session of its own, in the main namespace.
  static async join(server, eio, query = {}) {
    const wire = await Wire.dial(server, { EIO: eio, ...query });
    wire.open = JSON.parse((await wire.next()).slice(1));
    if (eio === 4) wire.send("40");
    wire.joined = await wire.next();
    wire.hello = await wire.next();
    return wire;
  }

  constructor(socket) {
    this.socket = socket;
    this.messages = [];
    socket.on("message", (data, isBinary) => this.messages.push(isBinary ? { binary: data } : data.toString()));
    this.closing = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
  }

  send(data, options = {}) {
    this.socket.send(data, options);
  }

  next() {
    return settle("a WebSocket message", (resolve, reject) => {
      const look = () => (this.messages.length ? resolve(this.messages.shift()) : this.socket.once("message", look));
      look();
      this.closing.then((code) => reject(new Error(`the WebSocket is closed (${code}), no message came`)));
    });
  }

  async until(wanted) {
    const all = [];
    do all.push(await this.next());
    while (!wanted(all.at(-1)));
    return all;
  }

  // The close code, when the server closes.
  closed() {
    return settle("the WebSocket is closed", (resolve) => this.closing.then(resolve));
  }

  close() {
    this.socket.close();
  }
}

// How a WebSocket handshake is refused: {status, body}.
function refusal(server, query, headers = {}) {
  return settle("the WebSocket is refused", (resolve, reject) => {
    const socket = new WebSocket(address(server, query).replace("http", "ws"), { headers });
    socket.once("open", () => (socket.close(), reject(new Error("the WebSocket was accepted"))));
    socket.once("unexpected-response", (sent, response) => {
      const chunks = [];
      response
        .on("data", (chunk) => chunks.push(chunk))
        .on("end", () => resolve(answer(response, Buffer.concat(chunks))));
    });
    socket.once("error", reject);
  });
}

module.exports = { Polling, Wire, decode, decodeText, encode, engineOf, refusal, request };
