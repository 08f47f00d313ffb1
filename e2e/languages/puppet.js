"use strict";

// Puppets are speakers in other languages, each a program: PROGRAM URL TRANSPORT NAME.
//
// It connects by "polling", "websocket" or "upgrade" (the first, then the second), registers with `f` NAME, and then does what the
// lines of its input say. It prints a line of JSON for each step:
//
//     say TEXT    emits `message` with the text         {step: "acked", answer}
//     bytes       emits the bytes from 0 to 255         {step: "acked", answer}
//     leave       disconnects                           {step: "left"}
//     back        connects and registers again, with    {step: "registered", answer, transport}
//                 {since} of the newest news            which it prints at its start, too; with {attempts, lost} where
//                                                       it connects more than once, and registers as often as it was
//                                                       disconnected before the answer
//                 and for each of the news              {step: "heard", data or {bytes: HEX}, meta}
//
// It ends with its input.

const { launch, within } = require("../target");

const WAIT_MS = 30_000;

class Puppet {
  #lines = [];
  #waiting = [];
  heard = []; // [data, meta] of each of the news

  constructor(t, command, server, transport, name) {
    this.child = launch([...command, server.url, transport, name], {});
    t.after(() => this.child.kill("SIGKILL"));
    let rest = "";
    this.child.stdout.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach((line) => this.#take(JSON.parse(line)));
    });
    this.child.ended.then(() => this.#wake());
  }

  #take(line) {
    if (line.step === "heard") this.heard.push([line.data.bytes ? Buffer.from(line.data.bytes, "hex") : line.data, line.meta]);
    else this.#lines.push(line);
    this.#wake();
  }

  #wake() {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  // Waits until `found` finds something in what the puppet has said, unless the program ends.
  async #until(what, found) {
    const look = async () => {
      for (;;) {
        const it = found();
        if (it !== undefined) return it;
        if (this.child.exitCode !== null || this.child.signalCode) throw new Error(`it ended before ${what}:\n${this.child.said}`);
        await new Promise((resolve) => this.#waiting.push(resolve));
      }
    };
    return within(WAIT_MS, look(), () => `no ${what} after ${WAIT_MS} ms:\n${this.child.said}`);
  }

  // The next step of that name.
  step(name) {
    return this.#until(`"${name}"`, () => {
      const i = this.#lines.findIndex(({ step }) => step === name);
      return i < 0 ? undefined : this.#lines.splice(i, 1)[0];
    });
  }

  // What it has heard once that is so much.
  news(count) {
    return this.#until(`${count} news`, () => (this.heard.length >= count ? this.heard : undefined));
  }

  order(line) {
    this.child.stdin.write(`${line}\n`);
  }

  // Its exit code, or the signal.
  end() {
    this.child.stdin.end();
    return within(WAIT_MS, this.child.ended, () => `it does not end:\n${this.child.said}`);
  }
}

module.exports = { Puppet };
