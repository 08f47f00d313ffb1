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

test("a server that tells no offsets is heard", () => {
  const place = open();
  place.begin({ name: "Ann" });
  assert.ok(place.pass(undefined));
  assert.equal(place.isOld(undefined), false);
});
