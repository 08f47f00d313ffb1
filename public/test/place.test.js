"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

function open() {
  const Crier = load(["place"], makeClock());
  return new Crier.Place();
}

test("a page that is opened asks for the last that was said, and later for what it missed", () => {
  const place = open();
  assert.deepEqual({ ...place.missed() }, { history: 50 });
  place.begin({ offset: 80 });
  assert.deepEqual({ ...place.missed() }, { since: 30 }, "the connection went before anything came");
  assert.ok(place.pass(79));
  assert.deepEqual({ ...place.missed() }, { since: 79 });
});

test("nothing is shown twice, and what was said before the page was opened is not new", () => {
  const place = open();
  place.begin({ offset: 2 });
  assert.deepEqual([1, 2, 2, 1, 3].map((offset) => place.pass(offset)), [true, true, false, false, true]);
  assert.deepEqual([2, 3].map((offset) => place.isOld(offset)), [true, false]);
});

test("what is missing is told once, above the next news", () => {
  const place = open();
  place.begin({ offset: 5 });
  place.begin({ offset: 9, complete: true });
  assert.equal(place.takeGap(), false);
  place.begin({ offset: 500, complete: false, next: 400 });
  assert.ok(place.pass(400));
  assert.deepEqual([place.takeGap(), place.takeGap()], [true, false]);
});

test("a feed that began anew with lower offsets is heard", () => {
  const place = open();
  place.begin({ offset: 1000 });
  place.begin({ offset: 3, complete: false, next: 4 });
  assert.ok(place.pass(4));
});

test("a first visitor is not told that something is missing, whatever the feed begins with", () => {
  const base = 1800000000000000;
  for (const [first, offset] of [[base, base + 4], [base, base - 1], [40, 60], [1, 0]]) {
    const place = open();
    place.begin({ first, offset });
    assert.deepEqual({ ...place.missed() }, { since: first - 1 });
  }
  const place = open();
  place.begin({ first: base, offset: base + 999 });
  assert.deepEqual({ ...place.missed() }, { since: base + 949 });
});

test("offsets of a feed that began with the time in microseconds count one by one", () => {
  const place = open();
  const base = 1800000000000000;
  place.begin({ first: base, offset: base + 2 });
  assert.deepEqual([0, 1, 2, 2, 1, 3].map((n) => place.pass(base + n)), [true, true, true, false, false, true]);
  assert.deepEqual([2, 3].map((n) => place.isOld(base + n)), [true, false]);
  assert.deepEqual([3, 4].map((n) => place.isPast(base + n)), [true, false]);
});

test("a server that tells no offsets is heard", () => {
  const place = open();
  place.begin({ name: "Ann" });
  assert.ok(place.pass(undefined));
  assert.equal(place.isOld(undefined), false);
});
