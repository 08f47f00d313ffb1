"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load, names, read } = require("./browser");

const said = (language) => load(["memory", "words"], { navigator: { language } }).words;
const pages = [
  { page: "index.html", scripts: names("js"), tables: ["js/words.js"] },
  {
    page: "playground/index.html", scripts: names("js").concat(names("playground/js")),
    tables: ["js/words.js", "playground/js/words.js", "playground/js/codes.js"]
  }
];
const table = (file, language) => {
  const body = new RegExp("\\n    " + language + ": \\{\\n([^]*?)\\n    \\}").exec(read(file))[1];
  const lines = body.split("\n").map((line) => /^ {6}(\w+): "(.*)",?$/.exec(line) || assert.fail(file + ": " + line));
  return Object.fromEntries(lines.map((line) => [line[1], line[2]]));
};
const blanks = (words) => (words.match(/\{\w+\}/g) || []).sort();
const files = pages[1].tables;

test("the browser's language chooses between Chinese and English", () => {
  for (const [language, want] of [["zh-CN", "发送"], ["zh-TW", "发送"], ["ZH", "发送"], ["en-GB", "Send"], ["fr", "Send"], [undefined, "Send"]]) {
    assert.strictEqual(said(language).say("send"), want, language);
  }
});

for (const file of files) {
  test(file + " says the same things in both languages, with the same blanks", () => {
    const en = table(file, "en");
    const zh = table(file, "zh");
    assert.ok(Object.keys(en).length > 20);
    assert.deepStrictEqual(Object.keys(zh), Object.keys(en));
    for (const key of Object.keys(en)) {
      assert.deepStrictEqual(blanks(zh[key]), blanks(en[key]), key);
    }
  });
}

test("no page has another page's word in its own meaning", () => {
  const keys = files.flatMap((file) => Object.keys(table(file, "en")));
  assert.strictEqual(new Set(keys).size, keys.length);
});

for (const { page, scripts, tables } of pages) {
  test("every word that " + page + " asks for is there", () => {
    const known = new Set(tables.flatMap((file) => Object.keys(table(file, "en"))));
    const asked = [...read(page).matchAll(/data-word[a-z-]*="(\w+)"/g)];
    scripts.forEach((name) => asked.push(...read(name).matchAll(/\bsay\("(\w+)"/g)));
    assert.ok(asked.length > 20);
    asked.forEach((match) => assert.ok(known.has(match[1]), match[1]));
  });
}

test("every word of the playground is asked for", () => {
  const asked = read("playground/index.html") + names("playground/js").map(read).join("");
  for (const key of Object.keys(table("playground/js/words.js", "en"))) {
    assert.ok(asked.includes("\"" + key + "\""), key);
  }
});

test("a page's own words are said beside the others", () => {
  const { words } = load(["memory", "words"], { navigator: { language: "zh" } });
  words.add({ en: { hello: "Hello" }, zh: { hello: "你好" } });
  assert.strictEqual(words.say("hello") + words.say("send"), "你好发送");
});

test("a value in a sentence is taken as it is", () => {
  assert.strictEqual(said("en").say("refused", { reason: "$& {n} <b>", n: 3 }), "The server said no: $& {n} <b>. Trying again in 3 s.");
});
