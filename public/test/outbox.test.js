"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

// owner: by what the server knows whose keys these are.
function open(speaker, owner = "secret") {
  const clock = makeClock();
  const sent = [];
  const held = [];
  const Crier = load(["memory", "secret", "pause", "pace", "outbox"], clock);
  const transmit = (text, key, answer) => sent.push({ text, key, answer });
  const outbox = new Crier.Outbox(transmit, () => {}, (why) => held.push(why && why.code));
  if (speaker !== undefined) { outbox.start(speaker, owner); }
  return { outbox, sent, held, clock, texts: () => sent.map((one) => one.text) };
}

const refused = (code, message) => ({ error: { code, message: message || code } });

test("a message is pending until it is acknowledged", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  assert.strictEqual(message.state, "sending");
  sent[0].answer({ id: "1" });
  assert.strictEqual(message.state, "done");
});

test("the copy is found whether the answer or the copy comes first", () => {
  for (const order of ["answer, copy", "copy, answer"]) {
    const { outbox, sent } = open("me");
    const message = outbox.say("hi");
    if (order === "answer, copy") { sent[0].answer(); }
    assert.strictEqual(outbox.hear("hi", "me", 5), message, order);
    if (order === "copy, answer") { sent[0].answer(); }
    assert.strictEqual(message.state, "done", order);
    assert.strictEqual(message.at, 5, order);
    assert.strictEqual(outbox.hear("hi", "me", 6), null, order + ": each copy counts once");
    assert.strictEqual(outbox.messages.length, 0, order + ": nothing is kept");
  }
});

test("of several with one text the earliest is heard first", () => {
  const { outbox } = open("me");
  const first = outbox.say("hi");
  outbox.say("other");
  const second = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "me", 1), first);
  assert.strictEqual(outbox.hear("hi", "me", 2), second);
});

test("another speaker's news with the same text is not mine", () => {
  const { outbox } = open("me");
  outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "you", 1), null);
});

test("news without a speaker's id is matched by its text", () => {
  const { outbox } = open("");
  const message = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "", 1), message);
});

test("a refused message fails with the reason, and later news with its text is not its copy", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  sent[0].answer(refused("bad_message", "no object"));
  assert.strictEqual(message.state, "failed");
  assert.deepEqual({ ...message.why }, { code: "bad_message", message: "no object" });
  const again = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "me", 1), again);
});

test("what was under way when the connection went goes out again by itself, with the key that it had", () => {
  const { outbox, sent } = open("me");
  const messages = [outbox.say("hi"), outbox.say("hi")];
  outbox.stop(true);
  assert.strictEqual(messages[0].state, "waiting");
  outbox.start("me later", "secret");
  assert.deepStrictEqual(sent.slice(2).map((one) => one.key), sent.slice(0, 2).map((one) => one.key));
  assert.notStrictEqual(sent[0].key, sent[1].key);
  assert.ok(sent[0].key.length <= 64, sent[0].key);
  assert.strictEqual(outbox.hear("hi", "me later", 1), messages[0]);
});

test("with another owner it is for the reader to send again: the server would not know it", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "other");
  assert.strictEqual(message.state, "failed");
  assert.strictEqual(message.why.code, "unsure");
  assert.strictEqual(sent.length, 1);
  outbox.retry(message);
  assert.strictEqual(message.state, "sending");
  assert.strictEqual(outbox.hear("hi", "me later", 1), message);
});

test("the copy of a message that goes out again is found by the id of its first attempt", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "secret");
  assert.strictEqual(outbox.hear("hi", "me", 3), message);
  assert.strictEqual(message.state, "done");
  sent[1].answer({ offset: 3, at: 3 });
  assert.strictEqual(outbox.messages.length, 0);
});

test("a message of a lost connection is not ticked by a later one with its text", () => {
  const { outbox } = open("me");
  const lost = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "other");
  const later = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "me later", 1), later);
  assert.strictEqual(lost.state, "failed");
});

test("a lost message is ticked when its own copy comes after all", () => {
  const { outbox } = open("me");
  const lost = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "secret");
  assert.strictEqual(outbox.hear("hi", "me", 1), lost);
  assert.strictEqual(lost.state, "done");
});

test("what was never sent waits, and goes out in order", () => {
  const { outbox, sent } = open();
  const messages = [outbox.say("a"), outbox.say("b")];
  assert.deepStrictEqual(messages.map((message) => message.state), ["waiting", "waiting"]);
  assert.strictEqual(outbox.hear("a", "", 1), null);
  outbox.stop();
  assert.strictEqual(messages[0].state, "waiting");
  outbox.start("me");
  assert.deepStrictEqual(sent.map((one) => one.text), ["a", "b"]);
});

test("no answer in time is a failure, and a late answer mends it", () => {
  const { outbox, sent, clock } = open("me");
  const message = outbox.say("hi");
  clock.advance(14999);
  assert.strictEqual(message.state, "sending");
  clock.advance(1);
  assert.strictEqual(message.state, "failed");
  sent[0].answer();
  assert.strictEqual(message.state, "done");
});

test("the late refusal of a first attempt does not fail the second", () => {
  const { outbox, sent, clock } = open("me");
  const message = outbox.say("hi");
  clock.advance(15000);
  outbox.retry(message);
  sent[0].answer({ error: { message: "no" } });
  assert.strictEqual(message.state, "sending");
});

test("a server that sends no news back does not fill the memory, and what waits is not pushed out", () => {
  const { outbox, sent, clock } = open("me");
  for (let i = 0; i < 600; i++) {
    outbox.say("n" + i);
    clock.advance(1000);
    sent[i].answer({ offset: i });
  }
  assert.strictEqual(outbox.messages.length, 500);
  outbox.stop(true);
  const waiting = [];
  for (let i = 0; i < 500; i++) { waiting.push(outbox.say("w" + i)); }
  const over = outbox.say("one too many");
  assert.ok(waiting.every((message) => message.state === "waiting"));
  assert.strictEqual(over.state + " " + over.why.code, "failed full");
});

test("what the server will never take is set aside for ever, and later ones go on", () => {
  for (const code of ["bad_message", "too_large", "id_taken"]) {
    const { outbox, sent, clock, texts } = open("me");
    const bad = outbox.say("bad");
    outbox.say("good");
    sent[0].answer(refused(code));
    assert.strictEqual(bad.state + " " + bad.why.code, "failed " + code);
    outbox.retry(bad);
    outbox.stop();
    outbox.start("me later", "secret");
    clock.advance(3600000);
    assert.deepStrictEqual(texts().filter((text) => text === "bad"), ["bad"], code);
    assert.ok(texts().includes("good"), code);
  }
});

test("another refusal sets it aside, too, until the reader sends it again", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  sent[0].answer(refused("internal"));
  assert.strictEqual(message.state, "failed");
  outbox.retry(message);
  assert.strictEqual(message.state, "sending");
  assert.strictEqual(sent[1].key, sent[0].key);
});

test("what the server can't take now goes out again by itself, in order, after pauses that grow", () => {
  for (const code of ["busy", "not_stored", "rate"]) {
    const { outbox, sent, held, clock, texts } = open("me");
    const first = outbox.say("a");
    for (let refusal = 1; refusal <= 8; refusal++) {
      sent[sent.length - 1].answer(refused(code));
      assert.strictEqual(first.state + " " + first.why.code, "waiting " + code);
      let pause = 0;
      while (sent.length === refusal) { clock.advance(10); pause += 10; }
      const full = Math.min(60000, 2000 * Math.pow(2, refusal - 1));
      assert.ok(pause >= full / 2 && pause <= full + 10, code + " " + refusal + " waits " + pause);
    }
    outbox.say("b");
    assert.ok(!texts().includes("b"), "until one is taken, they go one at a time");
    sent[sent.length - 1].answer({ offset: 1 });
    outbox.say("c");
    assert.strictEqual(texts().join(""), "a".repeat(9) + "bc");
    assert.deepStrictEqual(held.slice(0, 2), [code, null]);
  }
});

test("a pause goes on over a lost connection", () => {
  const { outbox, sent, clock } = open("me");
  outbox.say("a");
  sent[0].answer(refused("busy"));
  outbox.stop(true);
  outbox.start("me later", "secret");
  assert.strictEqual(sent.length, 1);
  clock.advance(2000);
  assert.strictEqual(sent.length, 2);
});

test("a message with which the connection ends each time is set aside, and later ones go on", () => {
  const { outbox, sent, texts } = open();
  const all = ["ends it", "a", "b"].map((text) => outbox.say(text));
  for (let i = 0; i < 3; i++) {
    outbox.start("me" + i, "secret");
    outbox.stop(false);
  }
  assert.deepStrictEqual(all.map((message) => message.state), ["failed", "waiting", "waiting"]);
  assert.strictEqual(all[0].why.code, "lost_each_time");
  assert.deepStrictEqual(texts().slice(3), ["ends it", "ends it"], "it goes alone when it is suspected");
  outbox.start("me", "secret");
  outbox.say("said meanwhile");
  assert.strictEqual(texts().pop(), "a", "while one is suspected, no other goes with it");
  sent[sent.length - 1].answer({ offset: 1 });
  sent[sent.length - 1].answer({ offset: 2 });
  assert.strictEqual(texts().pop(), "said meanwhile");
  assert.deepStrictEqual(all.map((message) => message.state), ["failed", "done", "done"]);
});

test("a network that goes is not a message's fault", () => {
  const { outbox } = open();
  const message = outbox.say("hi");
  for (let i = 0; i < 10; i++) {
    outbox.start("me" + i, "secret");
    outbox.stop(true);
  }
  assert.strictEqual(message.state, "waiting");
});

// Answers each message at once, as a quick server does, and tells when each was sent.
function quickly(outbox, sent, clock, ms) {
  const times = [];
  const began = new clock.Date().getTime();
  for (let at = 0; at <= ms; at += 10) {
    while (times.length < sent.length) {
      times.push(new clock.Date().getTime() - began);
      sent[times.length - 1].answer({ offset: times.length });
    }
    clock.advance(10);
  }
  return times;
}

test("what has waited goes out slower than the server holds a speaker back", () => {
  const { outbox, sent, clock } = open();
  for (let i = 0; i < 400; i++) { outbox.say("n" + i); }
  outbox.slow();
  outbox.start("me", "secret");
  const times = quickly(outbox, sent, clock, 60000);
  assert.strictEqual(times.length, 400, "all are sent");
  for (let i = 0; i + 20 < times.length; i++) {
    assert.ok(times[i + 20] - times[i] >= 1000, "20 messages in " + (times[i + 20] - times[i]) + " ms");
  }
});

test("long texts go slower than 64 KiB a second", () => {
  const { outbox, sent, clock } = open();
  for (let i = 0; i < 40; i++) { outbox.say("世".repeat(8192)); }
  outbox.slow();
  outbox.start("me", "secret");
  const times = quickly(outbox, sent, clock, 60000);
  assert.strictEqual(times.length, 40, "all are sent");
  const rate = 39 * 24576 / (times[39] / 1000);
  assert.ok(rate < 65536, rate + " bytes a second");
});

test("no more than 16 are without an answer", () => {
  const { outbox, sent, clock } = open("me");
  for (let i = 0; i < 40; i++) { outbox.say("n" + i); }
  clock.advance(5000);
  assert.strictEqual(sent.length, 16);
});

test("a slow server that answers is waited for", () => {
  const { outbox, sent, clock } = open("me");
  const last = [1, 2, 3].map((n) => outbox.say("n" + n))[2];
  clock.advance(14000);
  sent[0].answer({ offset: 1 });
  clock.advance(14000);
  sent[1].answer({ offset: 2 });
  clock.advance(14000);
  assert.strictEqual(last.state, "sending");
  clock.advance(1000);
  assert.strictEqual(last.state + " " + last.why.code, "failed unsure");
});

test("the offset of the answer tells which of two with one text was heard", () => {
  const { outbox, sent } = open("me");
  const [first, second] = [outbox.say("hi"), outbox.say("hi")];
  sent[1].answer({ offset: 1800000000000008 });
  sent[0].answer({ offset: 1800000000000007 });
  assert.strictEqual(outbox.hear("hi", "me", 1, 1800000000000008), second);
  assert.strictEqual(outbox.hear("hi", "me", 1, 1800000000000007), first);
});

test("two pages of one browser give no message the same key", () => {
  const keys = new Set();
  for (let page = 0; page < 20; page++) {
    const { outbox } = open();
    for (let i = 0; i < 20; i++) { keys.add(outbox.say("hi").key); }
  }
  assert.strictEqual(keys.size, 400);
});
