"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

// answer: how long the pong takes, in ms; Infinity when none comes.
function beat(answer) {
  const clock = makeClock();
  const pings = [];
  let deaths = 0;
  const began = new clock.Date().getTime();
  const { Heartbeat } = load(["playground/heartbeat"], clock);
  const heartbeat = new Heartbeat(() => {
    pings.push(new clock.Date().getTime() - began);
    if (answer < Infinity) { clock.setTimeout(() => heartbeat.heard("pong"), answer); }
  }, () => { deaths++; });
  return { clock, heartbeat, pings, deaths: () => deaths };
}

test("a ping goes out each interval while answers come", () => {
  const { clock, heartbeat, pings, deaths } = beat(0);
  heartbeat.start(1000, 500);
  clock.advance(5000);
  assert.deepStrictEqual(pings, [1000, 2000, 3000, 4000, 5000]);
  assert.strictEqual(deaths(), 0);
});

test("an answer in the last moment is in time, and one after it is not", () => {
  const early = beat(499);
  early.heartbeat.start(1000, 500);
  early.clock.advance(10000);
  assert.strictEqual(early.deaths(), 0);

  const late = beat(501);
  late.heartbeat.start(1000, 500);
  late.clock.advance(1500);
  assert.strictEqual(late.deaths(), 1);
  late.clock.advance(60000);
  assert.strictEqual(late.pings.length, 1, "the late answer revives it");
});

test("without an answer it ends once, and pings no more", () => {
  const { clock, heartbeat, pings, deaths } = beat(Infinity);
  heartbeat.start(1000, 500);
  clock.advance(60000);
  assert.strictEqual(deaths(), 1);
  assert.deepStrictEqual(pings, [1000]);
});

test("there is one ping without its answer, though patience is longer than the interval", () => {
  const { clock, heartbeat, pings } = beat(Infinity);
  heartbeat.start(1000, 5000);
  clock.advance(5999);
  assert.strictEqual(pings.length, 1);
});

test("only the text pong is the answer, and only to a ping", () => {
  const { clock, heartbeat, deaths } = beat(Infinity);
  heartbeat.start(1000, 500);
  assert.strictEqual(heartbeat.heard("pong"), false, "before the ping");
  clock.advance(1000);
  assert.strictEqual(heartbeat.heard("PING!!!"), false);
  assert.strictEqual(heartbeat.heard(new ArrayBuffer(4)), false);
  clock.advance(500);
  assert.strictEqual(deaths(), 1);
});

test("stopped, it does nothing, in either half of the beat", () => {
  for (const half of [500, 1200]) {
    const { clock, heartbeat, deaths } = beat(Infinity);
    heartbeat.start(1000, 500);
    clock.advance(half);
    heartbeat.stop();
    clock.advance(60000);
    assert.strictEqual(deaths(), 0);
    assert.strictEqual(clock.due.size, 0);
  }
});

test("started anew, there is one heartbeat, with the new times", () => {
  const { clock, heartbeat, pings } = beat(0);
  heartbeat.start(1000, 500);
  clock.advance(700);
  heartbeat.start(2000, 500);
  clock.advance(6000);
  assert.deepStrictEqual(pings, [2700, 4700, 6700]);
});
