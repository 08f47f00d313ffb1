"use strict";

// The TCP line of one client to the server, which goes wrong as the plan says.

const net = require("node:net");

// `port` tells the server's port, or undefined while it is down: a client that kept trying a port where nobody listens
// could be given that very port as its own by the kernel, and the server could not have it back. `spoil` may put a
// stream between the server and the client.
class Line {
  #connections = new Set();
  #listener;
  #port;
  #spoil;
  #refusing = false;
  #stops = { near: 0, far: 0 }; // how many reasons there are at present not to read this end

  constructor({ port, spoil }) {
    this.#port = port;
    this.#spoil = spoil;
  }

  async open() {
    this.#listener = net.createServer((near) => this.#take(near));
    await new Promise((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    this.port = this.#listener.address().port;
    return this;
  }

  close() {
    this.reset();
    return new Promise((resolve) => this.#listener.close(resolve));
  }

  #take(near) {
    near.on("error", () => {});
    const port = this.#port();
    if (this.#refusing || !port) return near.resetAndDestroy();
    const connection = new Connection(near, net.connect(port, "127.0.0.1"), this.#spoil);
    this.#connections.add(connection);
    connection.over.then(() => this.#connections.delete(connection));
    for (const end of ["near", "far"]) if (!this.#stops[end]) connection.go(end);
  }

  reset() {
    for (const connection of this.#connections) connection.cut("resetAndDestroy");
  }

  finish() {
    for (const connection of this.#connections) connection.cut("destroy");
  }

  // The client's side is gone and the server does not hear of it for a while.
  vanish(ms) {
    for (const connection of this.#connections) connection.vanish(ms);
  }

  // Nobody reads what the server sends.
  stall(ms) {
    return this.#stop(["far"], ms);
  }

  // Nothing passes either way.
  hold(ms) {
    return this.#stop(["near", "far"], ms);
  }

  // New connections are turned away, and the old ones go.
  refuse(ms) {
    this.#refusing = true;
    this.reset();
    setTimeout(() => (this.#refusing = false), ms);
  }

  #stop(ends, ms) {
    for (const end of ends) if (this.#stops[end]++ === 0) for (const connection of this.#connections) connection.stop(end);
    setTimeout(() => {
      for (const end of ends) if (--this.#stops[end] === 0) for (const connection of this.#connections) connection.go(end);
    }, ms);
  }
}

// One connection: near is the client's end, far the server's.
class Connection {
  constructor(near, far, spoil) {
    Object.assign(this, { near, far });
    const between = spoil?.();
    this.out = { near: far, far: between || near }; // where what one end sends goes
    between?.pipe(near);
    this.over = Promise.all([this.#follow(near, far), this.#follow(far, near)]);
  }

  // When one end is gone the other goes the same way.
  #follow(end, other) {
    let failed = false;
    end.on("error", () => (failed = true));
    return new Promise((resolve) =>
      end.on("close", () => {
        if (!this.gone) failed ? other.resetAndDestroy() : other.destroySoon();
        resolve();
      }),
    );
  }

  go(end) {
    if (!this.gone) this[end].pipe(this.out[end]);
  }

  stop(end) {
    this[end].unpipe(this.out[end]);
    this[end].pause();
  }

  cut(how) {
    this.near[how]();
    this.far[how]();
  }

  vanish(ms) {
    this.gone = true;
    this.stop("far");
    this.near.resetAndDestroy();
    setTimeout(() => this.far.destroy(), ms).unref();
  }
}

module.exports = { Line };
