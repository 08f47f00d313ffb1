// Runs the page's files in a window of their own, as script tags would, with only what a test puts into it.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const root = path.join(__dirname, "..");

function read(name) {
  return fs.readFileSync(path.join(root, name), "utf8");
}

function names(folder) {
  return fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith(".js")).map((name) => folder + "/" + name);
}

// A clock that the test moves: advance(ms) runs what falls due, in order.
function makeClock() {
  let now = 1700000000000;
  let last = 0;
  const due = new Map();
  const advance = (ms) => {
    const end = now + ms;
    for (;;) {
      const next = [...due].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!next) { break; }
      due.delete(next[0]);
      now = next[1].at;
      next[1].run();
    }
    now = end;
  };
  class FakeDate extends Date {
    constructor(...values) { super(...(values.length ? values : [now])); }
  }
  return {
    advance, due, Date: FakeDate,
    setTimeout: (run, ms) => { due.set(++last, { at: now + ms, run }); return last; },
    clearTimeout: (id) => { due.delete(id); }
  };
}

// The scripts of a page by their names: "dom" of the chat page, "playground/slices" of the playground.
function script(name) {
  const [own, folder] = name.split("/").reverse();
  return (folder ? folder + "/" : "") + "js/" + own + ".js";
}

// Returns the page's namespace after the named files have run in this window.
function load(files, window) {
  window.navigator = window.navigator || {};
  window.document = window.document || { documentElement: {} };
  window.window = window;
  const given = Object.keys(window);
  vm.createContext(window);
  // A browser may lack these; the language of the test has them.
  ["Promise", "Uint8Array"].filter((name) => !given.includes(name)).forEach((name) => vm.runInContext("delete this." + name, window));
  files.forEach((name) => vm.runInContext(read(script(name)), window, { filename: script(name) }));
  return window.Crier;
}

module.exports = { read, names, makeClock, load };
