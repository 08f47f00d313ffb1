"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

const blob = (bytes) => ({ size: bytes.length, bytes, slice: (from, to) => blob(bytes.slice(from, to)) });

// A connection that takes perTick bytes away each 10 ms, and a reader that takes its time.
function open({ perTick = 1e9, reading = 0 } = {}) {
  const clock = makeClock();
  const sent = [];
  const progress = [];
  const ends = [];
  let buffered = 0;
  const pipe = {
    open: true, isOpen: () => pipe.open, bufferedAmount: () => buffered,
    send: (data) => {
      assert.strictEqual(buffered, 0, "sent while bufferedAmount was " + buffered);
      if (!pipe.open) { return false; }
      sent.push(data.bytes);
      buffered += data.size;
      return true;
    },
    // Another message of the page.
    chat: (bytes) => { buffered += bytes; }
  };
  const drain = () => { buffered = Math.max(0, buffered - perTick); clock.setTimeout(drain, 10); };
  drain();
  const read = (slice, done) => {
    if (reading) { clock.setTimeout(() => done(slice.size > 0 && slice.bytes[0] === "!" ? null : slice), reading); } else { done(slice); }
  };
  const { Slices } = load(["playground/slices"], clock);
  const slices = new Slices(pipe, read, { progress: (now, total) => progress.push(now + "/" + total), ended: (how) => ends.push(how) });
  return { clock, pipe, slices, sent, progress, ends };
}

test("the slices are the file, in order, and the last may be short", () => {
  for (const reading of [0, 25]) {
    const { clock, slices, sent, progress, ends } = open({ reading });
    slices.start(blob("abcdefgh"), 3);
    clock.advance(1000);
    assert.deepStrictEqual(sent, ["abc", "def", "gh"]);
    assert.deepStrictEqual(progress, ["0/8", "3/8", "6/8", "8/8"]);
    assert.deepStrictEqual(ends, ["done"]);
  }
});

test("the next slice waits until bufferedAmount is 0", () => {
  const { clock, slices, sent, ends } = open({ perTick: 1 });
  slices.start(blob("abcdefgh"), 4);
  assert.deepStrictEqual(sent, ["abcd"]);
  clock.advance(30);
  assert.deepStrictEqual(sent, ["abcd"]);
  clock.advance(30);
  assert.deepStrictEqual(sent, ["abcd", "efgh"]);
  assert.deepStrictEqual(ends, []);
  clock.advance(100);
  assert.deepStrictEqual(ends, ["done"]);
});

test("what else was sent while a slice was read holds it back", () => {
  const { clock, pipe, slices, sent } = open({ perTick: 1, reading: 5 });
  slices.start(blob("abcd"), 4);
  pipe.chat(6);
  clock.advance(40);
  assert.deepStrictEqual(sent, []);
  clock.advance(100);
  assert.deepStrictEqual(sent, ["abcd"]);
});

test("no more than 100 slices go out in a second, however fast the line", () => {
  const { clock, pipe, slices, sent } = open();
  pipe.bufferedAmount = () => 0;
  pipe.send = (data) => sent.push(data.bytes) > 0;
  slices.start(blob("x".repeat(5000)), 1);
  clock.advance(1000);
  assert.ok(sent.length <= 101, String(sent.length));
});

test("cancelled, nothing more goes out, not even what was being read", () => {
  for (const reading of [0, 50]) {
    const { clock, slices, sent, ends } = open({ reading });
    slices.start(blob("x".repeat(100)), 2);
    clock.advance(75);
    const before = sent.length;
    assert.ok(before > 0 && before < 50);
    slices.cancel();
    clock.advance(1000);
    assert.strictEqual(sent.length, before);
    assert.deepStrictEqual(ends, ["cancelled"]);
  }
});

test("a connection that ends, ends it", () => {
  const { clock, pipe, slices, sent, ends } = open({ perTick: 1 });
  slices.start(blob("abcdefgh"), 2);
  pipe.open = false;
  clock.advance(1000);
  assert.deepStrictEqual(sent, ["ab"]);
  assert.deepStrictEqual(ends, ["lost"]);
});

test("a file that cannot be read any more ends it", () => {
  const { clock, slices, ends } = open({ reading: 5 });
  slices.start(blob("ab!d"), 2);
  clock.advance(1000);
  assert.deepStrictEqual(ends, ["unreadable"]);
});

test("one file at a time, and the next when it has ended", () => {
  const { clock, slices, sent } = open();
  slices.start(blob("ab"), 1);
  slices.start(blob("yz"), 1);
  clock.advance(1000);
  assert.deepStrictEqual(sent, ["a", "b"]);
  slices.start(blob("c"), 1);
  clock.advance(1000);
  assert.deepStrictEqual(sent, ["a", "b", "c"]);
});

test("an empty file is done at once", () => {
  const { slices, sent, ends } = open();
  slices.start(blob(""), 1);
  assert.deepStrictEqual(ends, ["done"]);
  assert.deepStrictEqual(sent, []);
});
