"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, names, read } = require("./browser");

const said = (language) => load(["memory", "words"], { navigator: { language } }).words;
const source = read("js/words.js");
const table = (language) => {
  const body = new RegExp("\\n    " + language + ": \\{\\n([^]*?)\\n    \\}").exec(source)[1];
  return Object.fromEntries([...body.matchAll(/^ {6}(\w+): "(.*?)",?$/gm)].map((line) => [line[1], line[2]]));
};
const blanks = (words) => (words.match(/\{\w+\}/g) || []).sort();

test("the browser's language chooses between Chinese and English", () => {
  for (const [language, want] of [["zh-CN", "发送"], ["zh-TW", "发送"], ["ZH", "发送"], ["en-GB", "Send"], ["fr", "Send"], [undefined, "Send"]]) {
    assert.strictEqual(said(language).say("send"), want, language);
  }
});

test("both languages say the same things with the same blanks", () => {
  const en = table("en");
  const zh = table("zh");
  assert.ok(Object.keys(en).length > 30);
  assert.deepStrictEqual(Object.keys(zh), Object.keys(en));
  for (const key of Object.keys(en)) {
    assert.deepStrictEqual(blanks(zh[key]), blanks(en[key]), key);
  }
});

test("every word that the page asks for is there", () => {
  const known = table("en");
  const asked = [...read("index.html").matchAll(/data-word[a-z-]*="(\w+)"/g)];
  names("js").forEach((name) => asked.push(...read(name).matchAll(/\bsay\("(\w+)"/g)));
  assert.ok(asked.length > 20);
  asked.forEach((match) => assert.ok(match[1] in known, match[1]));
});

test("a value in a sentence is taken as it is", () => {
  assert.strictEqual(said("en").say("refused", { reason: "$& {n} <b>", n: 3 }), "The server said no: $& {n} <b>. Trying again in 3 s.");
});
