"use strict";

// Lines that break a law on purpose: a stream between the server and a plain WebSocket client that does something to one
// of the news. A run with such a line must end with a finding, or the checker would see nothing in a real one either.

const { Transform } = require("node:stream");

const HEAD_END = "\r\n\r\n";

// What is made of the chosen news (frames as bytes) once the one after it has come.
const WAYS = {
  swallow: (chosen, next) => [next],
  double: (chosen, next) => [chosen, chosen, next],
  swap: (chosen, next) => [next, chosen],
  change: (chosen, next) => [another(chosen), next],
};

// The same message with another number in its data.
const another = (frame) =>
  Buffer.from(frame.toString("latin1").replace(/"n":(\d)/, (_, digit) => `"n":${digit === "9" ? 8 : 9}`), "latin1");

// For one line, whose connections share the count: the nth of the news is spoilt.
function spoiler(way, nth) {
  const state = { way: WAYS[way], left: nth, kept: null };
  return () => new Spoiler(state);
}

// The server's side of one connection: a head, then frames that are not masked.
class Spoiler extends Transform {
  #state;
  #rest = Buffer.alloc(0);
  #inFrames = false;

  constructor(state) {
    super();
    this.#state = state;
    state.kept = null;
  }

  _transform(chunk, _, done) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#inFrames) this.#head();
    if (this.#inFrames) for (let frame; (frame = this.#frame()); ) this.#pass(frame);
    done();
  }

  #head() {
    const end = this.#rest.indexOf(HEAD_END);
    if (end < 0) return;
    this.#inFrames = true;
    this.push(this.#take(end + HEAD_END.length));
  }

  #frame() {
    const size = frameSize(this.#rest);
    return this.#rest.length >= size ? this.#take(size) : undefined;
  }

  #take(size) {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  #pass(frame) {
    const state = this.#state;
    if (!frame.includes('"type":"news"') || state.left < 0) return this.push(frame);
    if (!state.kept && state.left > 0) return state.left--, this.push(frame);
    if (!state.kept) return (state.kept = frame);
    state.left = -1;
    for (const one of state.way(state.kept, frame)) this.push(one);
  }
}

// How long the frame at the start of bytes is; endless if its own head is not whole yet.
function frameSize(bytes) {
  if (bytes.length < 2) return Infinity;
  const short = bytes[1] & 0x7f;
  if (short < 126) return 2 + short;
  const size = short === 126 ? 2 : 8;
  if (bytes.length < 2 + size) return Infinity;
  return 2 + size + bytes.readUIntBE(2 + Math.max(0, size - 6), Math.min(size, 6));
}

module.exports = { WAYS: Object.keys(WAYS), spoiler };
