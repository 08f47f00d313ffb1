"use strict";

// WebSocket clients that others wrote, behind the few words that the tests need.

const { WebSocket } = require("ws");
const { client: NodeClient } = require("websocket");
const { settle } = require("../client");

// One connection: what it heard and how it ended. The libraries' own objects are in `raw` and `tcp`.
class Client {
  constructor(library) {
    this.library = library;
    this.inbox = [];
    this.taken = 0;
    this.pings = 0;
    this.look = () => {};
    this.closed = new Promise((resolve) => (this.ended = resolve));
  }

  hears(message) {
    this.inbox.push(message);
    this.look();
  }

  // The next `count` messages: strings, or Buffers.
  take(count) {
    const wanted = this.taken + count;
    return settle(() => `${this.library} hears ${wanted} messages (heard ${this.inbox.length})`, (resolve) => {
      this.look = () => {
        if (this.inbox.length < wanted) return;
        this.taken = wanted;
        this.look = () => {};
        resolve(this.inbox.slice(wanted - count, wanted));
      };
      this.look();
    });
  }

  async next() {
    return (await this.take(1))[0];
  }

  // How it ended, as the client sees it: {code, reason}.
  end() {
    return settle(`${this.library} is closed`, (resolve) => this.closed.then(resolve));
  }

  pinged(times) {
    return settle(() => `${this.library} is pinged ${times} times (was ${this.pings})`, (resolve) => {
      this.onPing = () => this.pings >= times && resolve();
      this.onPing();
    });
  }

  pingCame() {
    this.pings++;
    this.onPing?.();
  }
}

class Ws extends Client {
  static open(url, { protocols = [], headers = {} } = {}) {
    const client = new Ws("ws");
    const raw = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
    client.raw = raw;
    raw.on("message", (bytes, binary) => client.hears(binary ? bytes : bytes.toString()));
    raw.on("ping", () => client.pingCame());
    raw.on("close", (code, reason) => client.ended({ code, reason: reason.toString() }));
    return settle(`ws opens ${url}`, (resolve, reject) => raw.once("error", reject).once("open", () => resolve(client)));
  }

  get protocol() {
    return this.raw.protocol;
  }

  get tcp() {
    return this.raw._socket;
  }

  send(message) {
    this.raw.send(message);
  }

  ping(data) {
    return settle("ws has a pong", (resolve) => this.raw.once("pong", (answer) => resolve(answer.toString())).ping(data));
  }

  close(code, reason) {
    this.raw.close(code, reason);
  }

  pause() {
    this.raw.pause();
  }

  resume() {
    this.raw.resume();
  }
}

class WebSocketNode extends Client {
  static open(url, { protocols = [], headers = {} } = {}) {
    const client = new WebSocketNode("websocket");
    const connector = new NodeClient();
    return settle(`websocket opens ${url}`, (resolve, reject) => {
      connector.on("connectFailed", reject).on("connect", (raw) => {
        client.raw = raw;
        raw.on("message", ({ type, utf8Data, binaryData }) => client.hears(type === "utf8" ? utf8Data : binaryData));
        raw.on("ping", () => client.pingCame());
        raw.on("close", (code, reason) => client.ended({ code, reason }));
        resolve(client);
      });
      connector.connect(url, protocols, undefined, headers);
    });
  }

  get protocol() {
    return this.raw.protocol || "";
  }

  get tcp() {
    return this.raw.socket;
  }

  send(message) {
    if (typeof message === "string") this.raw.sendUTF(message);
    else this.raw.sendBytes(message);
  }

  ping(data) {
    return settle("websocket has a pong", (resolve) => this.raw.once("pong", (answer) => resolve(answer.toString())).ping(data));
  }

  close(code, reason) {
    this.raw.close(code, reason);
  }

  pause() {
    this.raw.pause();
  }

  resume() {
    this.raw.resume();
  }
}

const LIBRARIES = { ws: Ws, websocket: WebSocketNode };

// An open connection, which is cut when the test ends.
async function open(t, library, url, options) {
  const client = await LIBRARIES[library].open(url, options);
  client.tcp.on("error", () => {}); // a server that hangs up while a client writes resets it
  t.after(() => client.tcp.destroy());
  return client;
}

// A frame by hand, for what the libraries refuse to send. The mask is zeros.
function frame(opcode, payload, { fin = true, masked = true } = {}) {
  const body = Buffer.from(payload);
  const head = Buffer.from([(fin ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | body.length]);
  return Buffer.concat(masked ? [head, Buffer.alloc(4), body] : [head, body]);
}

module.exports = { LIBRARIES: Object.keys(LIBRARIES), frame, open };
