"use strict";

// One TCP connection on which a test writes, byte for byte, what a client that can't be installed here writes: requests and masked
// frames of WebSocket. `{sid}` and the like are the test's to fill in.

const net = require("node:net");
const { randomBytes } = require("node:crypto");
const { settle } = require("../client");

class Connection {
  static async open(t, server) {
    const socket = net.connect(server.port, "127.0.0.1");
    t.after(() => socket.destroy());
    await settle("a connection", (resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Connection(socket);
  }

  #bytes = Buffer.alloc(0);

  constructor(socket) {
    this.socket = socket;
    this.closed = false;
    socket.on("data", (data) => ((this.#bytes = Buffer.concat([this.#bytes, data])), socket.emit("more")));
    socket.on("close", () => ((this.closed = true), socket.emit("more")));
    socket.on("error", () => {});
  }

  // Writes lines as HTTP ends them, and the body behind them.
  request(lines, body = "") {
    this.socket.write([...lines, "", body].join("\r\n"));
  }

  // Takes from the front what `cut` finds there, {value, length}, as soon as it finds it.
  #take(what, cut) {
    return settle(what, (resolve, reject) => {
      const look = () => {
        const found = cut(this.#bytes);
        if (found) {
          this.socket.off("more", look);
          this.#bytes = this.#bytes.subarray(found.length);
          resolve(found.value);
        } else if (this.closed) reject(new Error(`the connection is closed; ${what} did not come`));
      };
      this.socket.on("more", look);
      look();
    });
  }

  // The next answer: {status, body}. A chunked body, which Crier does not send for what is replayed here, is not understood.
  answer() {
    return this.#take("an answer", (bytes) => {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return undefined;
      const head = bytes.subarray(0, end).toString();
      const size = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const length = end + 4 + size;
      if (bytes.length < length) return undefined;
      return { length, value: { status: Number(head.split(" ")[1]), head, body: bytes.subarray(end + 4, length).toString() } };
    });
  }

  // The text of the next frame.
  text() {
    return this.#take("a frame", (bytes) => {
      if (bytes.length < 2) return undefined;
      const [at, size] = bytes[1] < 126 ? [2, bytes[1]] : [4, bytes.length < 4 ? Infinity : bytes.readUInt16BE(2)];
      return bytes.length < at + size ? undefined : { length: at + size, value: bytes.subarray(at, at + size).toString() };
    });
  }

  // Sends short texts as frames, all in one write.
  send(...texts) {
    const frames = texts.map((text) => {
      const payload = Buffer.from(text);
      const mask = randomBytes(4);
      const size = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255];
      return Buffer.concat([Buffer.from([0x81, ...size]), mask, payload.map((byte, i) => byte ^ mask[i % 4])]);
    });
    this.socket.write(Buffer.concat(frames));
  }
}

module.exports = { Connection };
