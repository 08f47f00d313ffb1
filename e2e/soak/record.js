"use strict";

// What a client saw, as JSON lines: {t (in ms), what, ...}. The checker reads nothing else of a client.
//
//   connected {recovered}         disconnected {reason}           done {to, ms}: what the plan did to its line
//   asked {since | history}       registered {offset, id, complete, since?, history?}        refused {code}: the answers to f
//   said {n, id, data, again}     acked {n, offset, at}           declined {n, code}         unanswered {n | f}
//   heard {offset, from, id, at, data}

const { createHash } = require("node:crypto");
const { createWriteStream, readFileSync } = require("node:fs");

// Longer texts stand in the record by their hash: every client hears every one.
const LONG = 80;

class Record {
  #file;
  #start;

  constructor(path, start) {
    this.path = path;
    this.#start = start;
    this.#file = createWriteStream(path);
  }

  note(what, fields = {}) {
    if (this.#file.writableEnded) return;
    this.#file.write(JSON.stringify({ t: Date.now() - this.#start, what, ...fields }) + "\n");
  }

  close() {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}

const readRecord = (path) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

// A message as the record has it: [by, n, text], or as it is if it is none of the run's.
function brief(data) {
  const { by, n, text, ...rest } = Object(data);
  if (typeof text !== "string" || Object.keys(rest).length > 0) return data ?? null;
  return [by, n, text.length <= LONG ? text : `${text.length} ${createHash("sha256").update(text).digest("base64")}`];
}

module.exports = { Record, brief, readRecord };
