"use strict";

// A TCP line between client and server that a test can cut or hold, to see what either side makes of it.

const net = require("node:net");
const { settle } = require("./client");

// A line to the server's port; its own `url` is what clients get.
async function openLine(t, server) {
  const line = new Line();
  const listener = net.createServer((near) => line.take(near, server.port));
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  line.url = `http://127.0.0.1:${listener.address().port}`;
  t.after(() => (line.cut(), new Promise((resolve) => listener.close(resolve))));
  return line;
}

class Line {
  #connections = new Set();
  #refusing = false;
  #held = false;

  take(near, port) {
    if (this.#refusing) return near.destroy();
    const connection = { near, far: net.connect(port, "127.0.0.1"), polls: false };
    this.#connections.add(connection);
    for (const end of [near, connection.far]) {
      end.on("error", () => {});
      end.on("close", () => this.#closed(connection));
    }
    if (!this.#held) join(connection);
  }

  // A line that is held passes nothing on, not even that one side is gone.
  #closed(connection) {
    if (this.#held) return;
    this.#connections.delete(connection);
    ends(connection).forEach((end) => end.destroy());
  }

  // New connections are turned away.
  refuse(yes) {
    this.#refusing = yes;
  }

  // Breaks what is connected; new connections are taken.
  cut() {
    this.#held = false;
    for (const connection of [...this.#connections]) this.#closed(connection);
  }

  // Falls silent without a word.
  hold() {
    this.#held = true;
    for (const connection of this.#connections) ends(connection).forEach((end) => (end.unpipe(), end.pause()));
  }

  // A polling client has a poll open nearly always; this is when it has reached the server.
  polled() {
    return settle("a poll is open", (resolve) => {
      const look = () => ([...this.#connections].some(({ polls }) => polls) ? resolve() : setImmediate(look));
      look();
    });
  }
}

const ends = ({ near, far }) => [near, far];

function join(connection) {
  const { near, far } = connection;
  near.on("data", (chunk) => (connection.polls = chunk.toString("latin1", 0, 4) === "GET "));
  far.on("data", () => (connection.polls = false));
  near.pipe(far).pipe(near);
}

module.exports = { openLine };
