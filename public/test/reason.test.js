"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load } = require("./browser");

const page = (language) => load(["memory", "words", "reason"], { navigator: { language } });

// What a server answers or warns with, and what the page itself finds.
const codes = ["bad_name", "bad_message", "bad_options", "too_large", "id_taken", "rate", "rate_limit", "busy",
  "not_stored", "not_read", "internal", "too_slow", "crowded", "unavailable", "foreign", "unsure", "lost_each_time", "old", "full"];

test("every code has words in both languages, each its own", () => {
  for (const language of ["en", "zh"]) {
    const { reason } = page(language);
    const words = codes.map((code) => reason({ code, message: "so: it is" }));
    assert.strictEqual(new Set(words).size, codes.length);
    words.forEach((text, i) => assert.notStrictEqual(text, "so: it is", codes[i]));
  }
});

test("the message says more where the code alone does not", () => {
  const { reason } = page("en");
  assert.strictEqual(reason({ code: "too_large", message: "a message may have 9 bytes" }),
    "it is too long for this server (a message may have 9 bytes)");
  assert.strictEqual(reason({ code: "too_large" }), "it is too long for this server");
  assert.strictEqual(reason({ code: "foreign", message: "" }), "it does not serve pages of this address");
});

test("what has no words of its own is told as it came, without its full stop", () => {
  const { reason } = page("zh");
  assert.strictEqual(reason({ code: "new", message: "Not so." }), "Not so");
  assert.strictEqual(reason({ code: "new" }), "new");
  assert.strictEqual(reason("room is full"), "room is full");
  for (const nothing of ["", null, undefined]) { assert.strictEqual(reason(nothing), ""); }
});

test("a code is no way to any other word", () => {
  assert.strictEqual(page("en").reason({ code: "toString", message: "m" }), "m");
  assert.strictEqual(page("en").reason({ code: 5, message: "$& {n}" }), "$& {n}");
});
