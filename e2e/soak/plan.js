"use strict";

// What goes wrong in a run, and when: a list that the seed alone decides. Times are milliseconds from the run's start.

const { Random } = require("./random");

// How often, in milliseconds, something happens to the server, and to each client's line.
const SERVER_EVERY = [2_000, 9_000];
const LINE_EVERY = [800, 6_000];
const CALM_MS = 1_000;
// In this share of cases the next comes at once, while what was harmed is coming back and catches up.
const AGAIN = 0.25;
const AGAIN_MS = [50, 600];

const SERVER = { kill: 8, drain: 2 };
const LINE = { reset: 4, finish: 3, vanish: 2, stall: 5, hold: 3, refuse: 1, leave: 2 };
// How long each lasts. A client that vanished leaves a connection behind that the server thinks alive.
const LASTS = {
  reset: [0, 0],
  finish: [0, 0],
  vanish: [500, 6_000],
  stall: [300, 4_000],
  hold: [300, 3_000],
  refuse: [100, 1_500],
  leave: [50, 2_500],
};

// For `clients` clients over `ms`: {server: [{at, what, burst, down}], lines: [{at, what, who, ms}]}.
function makePlan({ seed, ms, clients }) {
  return { server: serverPlan(new Random(seed, "server"), ms), lines: linesPlan(seed, ms, clients) };
}

// `burst` says that everybody speaks at once just before; `down` is how long the server is away. The first is a
// kill, so that no run goes without.
function serverPlan(random, ms) {
  const steps = [];
  let at = CALM_MS + random.between(0, 1_500);
  while (at < ms) {
    const what = steps.length ? random.weighted(SERVER) : "kill";
    steps.push({ at, what, burst: random.chance(0.6), down: random.between(0, 1_200) });
    at += pause(random, SERVER_EVERY);
  }
  return steps;
}

function linesPlan(seed, ms, clients) {
  const steps = [];
  for (let who = 0; who < clients; who++) {
    const random = new Random(seed, `line ${who}`);
    for (let at = CALM_MS + random.between(...LINE_EVERY); at < ms; at += pause(random, LINE_EVERY)) {
      const what = random.weighted(LINE);
      steps.push({ at, what, who, ms: random.between(...LASTS[what]) });
    }
  }
  return steps.sort((a, b) => a.at - b.at);
}

const pause = (random, every) => random.between(...(random.chance(AGAIN) ? AGAIN_MS : every));

module.exports = { makePlan };
