// What was said before, as the reader scrolls up to it.
"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { openBrowser, openPage } = require("./window");

const base = 1800000000000000;
const line = 20; // pixels of one entry
const screen = 600;

// A page with the last 50 of what was said from base on, and a box whose height is that of its entries.
function open(count, options) {
  const page = openPage(openBrowser(), options);
  const box = page.nodes.log;
  const height = () => (page.entries().length + box.all("top").length) * line;
  Object.defineProperty(box, "scrollHeight", { get: height });
  box.clientHeight = screen;
  page.joins("me", { first: base, offset: base + count - 1 });
  for (let n = Math.max(0, count - 50); n < count; n++) { page.socket.hears("news", "n" + n, entry(n)); }
  page.settle = () => page.clock.advance(20);
  page.scrollTo = (top) => { box.scrollTop = top; box.does("scroll"); };
  page.asked = () => page.socket.sent.filter((one) => one.event === "history");
  page.answer = () => {
    const { args: [{ before, limit }], answer } = page.asked().pop();
    const entries = [];
    for (let n = Math.max(0, before - base - limit); n < before - base; n++) {
      entries.push({ data: "n" + n, ...entry(n) });
    }
    answer({ entries, first: base, offset: base + count - 1 });
    page.settle();
  };
  page.settle();
  return page;
}

const entry = (n) => ({ from: "Bob", id: "bob", at: 1, offset: base + n });
const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => "n" + (from + i));
const top = (page) => page.nodes.log.all("top").map((rule) => rule.text);

test("nothing is asked for before the reader comes near the top", () => {
  const page = open(500);
  page.scrollTo(401);
  assert.strictEqual(page.asked().length, 0);
  page.scrollTo(399);
  page.scrollTo(300);
  assert.deepStrictEqual(page.asked().map((one) => ({ ...one.args[0] })), [{ before: base + 450, limit: 50 }]);
});

test("what was said before stands above, in order, and the reader's line does not move", () => {
  const page = open(500);
  page.scrollTo(300);
  page.answer();
  assert.deepStrictEqual(page.texts(), numbers(400, 500));
  assert.strictEqual(page.nodes.log.scrollTop, 300 + 50 * line);
  assert.strictEqual(page.nodes.jump.hidden, false);
  assert.doesNotMatch(page.nodes.jump.text, /new/, "it is not new");
});

test("it goes on to the oldest that is kept, and says so there", () => {
  for (const [language, words] of [["en", "This is the oldest that is kept."], ["zh", "这是保留的最早一条。"]]) {
    const page = open(130, { language });
    page.scrollTo(300);
    page.answer();
    page.scrollTo(300);
    assert.deepStrictEqual(top(page), []);
    page.answer();
    assert.strictEqual(page.nodes.log.scrollTop, 300 + 31 * line, "the line above does not move the reader's");
    assert.deepStrictEqual(page.texts(), numbers(0, 130));
    assert.deepStrictEqual(top(page), [words]);
    assert.strictEqual(page.entries()[0].all("top").length, 1);
    assert.strictEqual(page.asked().length, 2);
  }
});

test("where all that is kept is shown, it says so without asking", () => {
  const page = open(10);
  assert.strictEqual(top(page).length, 1);
  assert.strictEqual(page.asked().length, 0);
});

test("what the reader loaded is not taken away by news, until the end is seen again", () => {
  const page = open(1000);
  for (let i = 0; i < 10; i++) {
    page.scrollTo(300);
    page.answer();
  }
  assert.deepStrictEqual(page.texts(), numbers(450, 1000));
  page.socket.hears("news", "newest", entry(1000));
  page.settle();
  assert.strictEqual(page.texts()[0], "n450");
  page.nodes.jump.does("click");
  page.socket.hears("news", "newest of all", entry(1001));
  page.settle();
  assert.strictEqual(page.texts().length, 400);
  page.scrollTo(300);
  assert.strictEqual(page.asked().pop().args[0].before, base + 602, "and it can be loaded again");
});

test("the page does not grow without end, and says so", () => {
  const page = open(5000);
  for (let i = 0; i < 100; i++) {
    const asked = page.asked().length;
    page.scrollTo(300);
    if (page.asked().length > asked) { page.answer(); }
  }
  assert.strictEqual(page.texts().length, 2000);
  assert.deepStrictEqual(top(page), ["What is older is kept, but this page shows no more."]);
});

test("what can't be read now is asked for again by itself, and told", () => {
  const page = open(500);
  page.scrollTo(300);
  page.asked()[0].answer({ error: { code: "not_read", message: "it can't be read" } });
  page.scrollTo(200);
  assert.strictEqual(page.asked().length, 1);
  assert.match(page.nodes.notice.text, /can't be shown now/);
  page.clock.advance(2000);
  assert.strictEqual(page.asked().length, 2);
});

test("an answer that is lost with the connection is asked for again on the next", () => {
  const page = open(500);
  page.scrollTo(300);
  const late = page.asked()[0];
  page.socket.down("transport close");
  page.joins("me later", { first: base, offset: base + 499, complete: true });
  page.scrollTo(250);
  assert.strictEqual(page.asked().length, 2);
  page.answer();
  late.answer({ entries: [], first: base, offset: base + 499 });
  assert.deepStrictEqual(top(page), []);
  assert.deepStrictEqual(page.texts(), numbers(400, 500));
});

test("one's own of before are one's own", () => {
  const page = open(60);
  page.scrollTo(300);
  const mine = { data: "mine", from: "Ann", id: "me", at: 1, offset: base + 9 };
  page.asked()[0].answer({ entries: [mine], first: base, offset: base + 59 });
  assert.strictEqual(page.entries()[0].all("mine").length, 1);
});
