"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load } = require("./browser");

const page = (language) => load(["memory", "words", "cut", "playground/bytes", "playground/codes"], { navigator: { language } });

test("every registered code has a meaning of its own, in both languages", () => {
  for (const language of ["en", "zh"]) {
    const { codes, words } = page(language);
    const meanings = [...codes.registered].map((code) => codes.meaning(code));
    assert.strictEqual(new Set(meanings).size, 19);
    assert.deepStrictEqual([...codes.registered].slice(0, 16), Array.from({ length: 16 }, (none, i) => 1000 + i));
    assert.strictEqual(codes.meaning(1006), words.say("code1006"));
  }
});

test("any other code is told by its range", () => {
  const { codes, words } = page("en");
  for (const [code, key] of [[0, "codeUnused"], [999, "codeUnused"], [1016, "codeProtocol"], [2999, "codeProtocol"], [3001, "codeLibrary"],
    [3999, "codeLibrary"], [4000, "codeApplication"], [4999, "codeApplication"], [5000, "codeNone"], [65535, "codeNone"]]) {
    assert.strictEqual(codes.meaning(code), words.say(key), String(code));
  }
});

test("a script may close with 1000, with 3000 to 4999, or without a code", () => {
  const { codes } = page("en");
  for (const good of ["", "1000", "3000", "3999", "4000", "4999"]) {
    assert.strictEqual(codes.objection(good, ""), "", good);
  }
  for (const bad of ["0", "999", "1001", "1006", "2999", "5000", "65536", "1e3", "-1000", "4000.5", "x", "04000"]) {
    assert.notStrictEqual(codes.objection(bad, ""), "", bad);
  }
});

test("a reason has 123 bytes of UTF-8 at most, and a code before it", () => {
  const { codes } = page("en");
  for (const fits of ["x".repeat(123), "世".repeat(41), "é".repeat(61), "😀".repeat(30)]) {
    assert.strictEqual(codes.objection("1000", fits), "", fits);
  }
  for (const long of ["x".repeat(124), "世".repeat(42), "é".repeat(62), "😀".repeat(31)]) {
    assert.notStrictEqual(codes.objection("1000", long), "", long);
  }
  assert.notStrictEqual(codes.objection("", "why"), "");
});
