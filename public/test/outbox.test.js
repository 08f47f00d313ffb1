"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, makeClock } = require("./browser");

function open(speaker) {
  const clock = makeClock();
  const sent = [];
  const Crier = load(["outbox"], clock);
  const outbox = new Crier.Outbox((text, key, answer) => sent.push({ text, key, answer }), () => {});
  if (speaker !== undefined) { outbox.start(speaker, "Me"); }
  return { outbox, sent, clock };
}

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
  sent[0].answer({ error: { code: "rate", message: "too fast" } });
  assert.strictEqual(message.state, "failed");
  assert.strictEqual(message.why, "too fast");
  const again = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "me", 1), again);
});

test("what was under way when the connection went goes out again by itself, with the key that it had", () => {
  const { outbox, sent } = open("me");
  const messages = [outbox.say("hi"), outbox.say("hi")];
  outbox.stop();
  assert.strictEqual(messages[0].state, "waiting");
  outbox.start("me later", "Me");
  assert.deepStrictEqual(sent.slice(2).map((one) => one.key), sent.slice(0, 2).map((one) => one.key));
  assert.notStrictEqual(sent[0].key, sent[1].key);
  assert.ok(sent[0].key.length <= 64, sent[0].key);
  assert.strictEqual(outbox.hear("hi", "me later", 1), messages[0]);
});

test("under another name it is for the reader to send again: the server would not know it", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "Other");
  assert.strictEqual(message.state, "failed");
  assert.strictEqual(message.why, "unsure");
  assert.strictEqual(sent.length, 1);
  outbox.retry(message);
  assert.strictEqual(message.state, "sending");
  assert.strictEqual(outbox.hear("hi", "me later", 1), message);
});

test("the copy of a message that goes out again is found by the id of its first attempt", () => {
  const { outbox, sent } = open("me");
  const message = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "Me");
  assert.strictEqual(outbox.hear("hi", "me", 3), message);
  assert.strictEqual(message.state, "done");
  sent[1].answer({ offset: 3, at: 3 });
  assert.strictEqual(outbox.messages.length, 0);
});

test("a message of a lost connection is not ticked by a later one with its text", () => {
  const { outbox } = open("me");
  const lost = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "Other");
  const later = outbox.say("hi");
  assert.strictEqual(outbox.hear("hi", "me later", 1), later);
  assert.strictEqual(lost.state, "failed");
});

test("a lost message is ticked when its own copy comes after all", () => {
  const { outbox } = open("me");
  const lost = outbox.say("hi");
  outbox.stop();
  outbox.start("me later", "Me");
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

test("a server that sends no news back does not fill the memory", () => {
  const { outbox, sent } = open("me");
  for (let i = 0; i < 2000; i++) {
    outbox.say("n" + i);
    sent[i].answer();
  }
  assert.strictEqual(outbox.messages.length, 500);
});
