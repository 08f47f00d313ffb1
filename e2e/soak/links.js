"use strict";

// What carries a speaker's words (speaker.js says what a link is): socket.io-client of every major version, and plain
// WebSocket.

const { WebSocket } = require("ws");
const { TRANSPORTS, CLIENTS } = require("../client");

const BACK_MS = [50, 500];
const CONNECT_MS = 5_000;
// Shorter than the longest stalls, so that the 4.x client also says again what is on its way.
const RETRY_MS = 2_500;

// The kinds of clients, each with its link.
const KINDS = {
  ...Object.fromEntries(
    Object.keys(CLIENTS).flatMap((version) =>
      Object.keys(TRANSPORTS).map((transport) => [`${version} ${transport}`, (o) => new SocketLink({ ...o, version, transport })]),
    ),
  ),
  "4.8.4 retries": (o) => new QueueLink({ ...o, version: "4.8.4", transport: "upgrade" }),
  plain: (o) => new PlainLink(o),
};

class SocketLink {
  constructor({ url, speaker, version, transport, ...options }) {
    Object.assign(this, { url, speaker, version, transport, options });
  }

  open() {
    const socket = CLIENTS[this.version](this.url, {
      forceNew: true,
      transports: TRANSPORTS[this.transport],
      reconnectionDelay: BACK_MS[0],
      reconnectionDelayMax: BACK_MS[1],
      timeout: CONNECT_MS,
      ...this.options,
    });
    this.socket = socket;
    socket.on("connect", () => this.speaker.up(Boolean(socket.recovered)));
    socket.on("news", (data, meta) => this.speaker.news(data, Object(meta)));
    socket.on("disconnect", (reason) => (this.speaker.down(reason), this.#comeBack(reason === "io server disconnect")));
    // A server that refuses a namespace is not asked again by the client itself.
    socket.on("connect_error", () => this.#comeBack(socket.active === false));
  }

  #comeBack(needed) {
    if (needed) this.#after(BACK_MS[1]);
  }

  #after(ms) {
    setTimeout(() => this.closed || this.socket.connect(), ms);
  }

  ask(event, args, answer) {
    this.socket.emit(event, ...args, answer);
  }

  leave(ms) {
    if (!this.socket.connected) return;
    this.socket.disconnect();
    if (this.version >= "4") return this.#after(ms);
    // Before 4 a socket that is used again may still hear its old connection, which takes its time to end.
    this.socket.removeAllListeners();
    setTimeout(() => this.closed || this.open(), ms);
  }

  close() {
    this.closed = true;
    this.socket.io.reconnection(false);
    this.socket.close();
    this.socket.io.engine?.close();
  }
}

// The 4.x client with its own `retries`: one event at a time, said again until it is answered. Back on a new connection, it
// says its queue before its page can register again, so it gives its name in the handshake.
class QueueLink extends SocketLink {
  queues = true;

  constructor(options) {
    super({ ...options, retries: Infinity, ackTimeout: RETRY_MS, auth: { name: options.speaker.name } });
  }

  ask(event, args, answer) {
    super.ask(event, args, (error, given) => error || answer(given));
  }
}

// One answer of a plain client is known by its ref.
class PlainLink {
  constructor({ url, speaker }) {
    Object.assign(this, { url: url.replace("http", "ws") + "/ws/news", speaker });
  }

  open() {
    const socket = new WebSocket(this.url, "crier.v1.json", { perMessageDeflate: false, handshakeTimeout: CONNECT_MS });
    Object.assign(this, { socket, answers: new Map(), refs: 0 });
    let wasOpen = false;
    socket.on("open", () => ((wasOpen = true), this.speaker.up(false)));
    socket.on("message", (bytes) => this.#heard(JSON.parse(bytes)));
    socket.on("error", () => {});
    socket.on("close", (code) => {
      if (wasOpen) this.speaker.down(code);
      this.#comeBack();
    });
  }

  #comeBack() {
    if (!this.closed) this.back = setTimeout(() => this.open(), this.away ?? BACK_MS[1] / 2);
    this.away = undefined;
  }

  #heard({ type, ref, data, ...rest }) {
    if (type === "news") return this.speaker.news(data, rest);
    const answer = this.answers.get(ref);
    this.answers.delete(ref);
    answer?.(rest);
  }

  ask(event, [first, rest], answer) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const ref = ++this.refs;
    this.answers.set(ref, answer);
    this.socket.send(JSON.stringify({ type: event, [event === "f" ? "speaker" : "data"]: first, ...rest, ref }));
  }

  leave(ms) {
    this.away = ms;
    this.socket.close(1000);
  }

  close() {
    this.closed = true;
    clearTimeout(this.back);
    this.socket.terminate();
  }
}

module.exports = { KINDS };
