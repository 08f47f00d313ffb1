// The whole page, with a server that the test plays.
"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { openBrowser, openPage } = require("./window");

const base = 1800000000000000;

function authOf(page) {
  let given = null;
  page.socket.options.auth((auth) => { given = auth; });
  return { ...given };
}

const refused = (code, message) => ({ error: { code, message: message || code } });

test("the secret goes with the handshake and with the first registration on each connection", () => {
  const page = openPage(openBrowser());
  const { name, secret } = authOf(page);
  assert.match(secret, /^[\w-]{16,128}$/);
  page.joins("me");
  assert.deepStrictEqual({ ...page.socket.last("f").args[1] }, { history: 50, secret });
  assert.strictEqual(name, page.socket.last("f").args[0]);
  page.nodes.name.value = "Bob";
  page.nodes.name.does("change");
  assert.strictEqual(page.socket.last("f").args[1].secret, undefined, "later ones do without");
  page.socket.down("transport close");
  page.joins("me later");
  assert.strictEqual(page.socket.last("f").args[1].secret, secret);
});

test("pages of one browser have one secret; without storage it lasts as long as the page", () => {
  const browser = openBrowser();
  assert.strictEqual(authOf(openPage(browser)).secret, authOf(openPage(browser)).secret);
  assert.notStrictEqual(authOf(openPage(openBrowser())).secret, authOf(openPage(browser)).secret);
  const [one, other] = [openPage(browser, { storage: false }), openPage(browser, { storage: false })];
  assert.strictEqual(authOf(one).secret, authOf(one).secret);
  assert.notStrictEqual(authOf(one).secret, authOf(other).secret);
});

test("a secret that the server does not take keeps nobody out", () => {
  const page = openPage(openBrowser());
  page.socket.up();
  page.socket.last("f").answer(refused("bad_options", "the options are wrong: secret must come with the first f"));
  assert.deepStrictEqual({ ...page.socket.last("f").args[1] }, { history: 50 });
  page.socket.last("f").answer(refused("bad_options"));
  assert.deepStrictEqual({ ...page.socket.last("f").args[1] }, {});
  page.socket.last("f").answer({ name: "Ann", id: "me", count: 1, names: [], first: 1, offset: 0 });
  page.say("hi");
  assert.strictEqual(page.socket.last("message").args[0], "hi");
});

test("options that are never taken are asked for thrice, and then told", () => {
  const page = openPage(openBrowser());
  page.socket.up();
  const refusal = refused("bad_options", "the options are wrong: all of them");
  for (let i = 0; i < 3; i++) { page.socket.last("f").answer(refusal); }
  assert.strictEqual(page.socket.sent.length, 3);
  assert.match(page.nodes["name-error"].text, /all of them/);
});

test("what was said before can't be read: the page asks again by itself, after pauses that grow, and says so", () => {
  const page = openPage(openBrowser());
  page.socket.up();
  for (let refusal = 1; refusal <= 3; refusal++) {
    page.socket.last("f").answer(refused("not_read"));
    assert.match(page.nodes.notice.text, /can't be read/);
    page.clock.advance(1000 * Math.pow(2, refusal - 1) - 1);
    assert.strictEqual(page.socket.sent.length, refusal);
    page.clock.advance(1000 * Math.pow(2, refusal - 1) + 1);
    assert.strictEqual(page.socket.sent.length, refusal + 1);
  }
  page.joins("me");
  assert.ok(page.nodes.notice.hidden);
});

test("the server's words about a name are shown, in the page's language around them", () => {
  const told = { en: "This name can't be used: it is too long", zh: "这个名字不能用：it is too long" };
  for (const [language, words] of Object.entries(told)) {
    const page = openPage(openBrowser(), { language });
    page.socket.up();
    page.socket.last("f").answer(refused("bad_name", "this name can't be used: it is too long"));
    assert.strictEqual(page.nodes["name-error"].text, words);
  }
});

test("a first visitor is shown the last that was said, and no gap", () => {
  const page = openPage(openBrowser());
  page.joins("me", { first: base, offset: base + 1 });
  page.socket.hears("news", "a", { from: "Bob", id: "bob", at: 1, offset: base });
  page.socket.hears("news", "b", { from: "Bob", id: "bob", at: 1, offset: base + 1 });
  page.socket.down("transport close");
  page.joins("me later", { first: base, offset: base + 2, complete: true });
  page.socket.hears("news", "c", { from: "Bob", id: "bob", at: 1, offset: base + 2 });
  assert.deepStrictEqual(page.texts(), ["a", "b", "c"]);
  assert.strictEqual(page.nodes.log.all("gap").length, 0);
  assert.strictEqual(page.socket.last("f").args[1].since, base + 1);
});

test("a message that is set aside says why, and can't be sent again if the server will never take it", () => {
  for (const [language, words] of [["en", "not sent: the server can't take it: it has a lone surrogate"],
    ["zh", "未发送：服务器无法接受：it has a lone surrogate"]]) {
    const browser = openBrowser();
    const page = openPage(browser, { language });
    page.joins("me");
    page.say("bad");
    page.say("good");
    page.socket.sent.find((one) => one.args[0] === "bad").answer(refused("bad_message", "it has a lone surrogate"));
    assert.strictEqual(page.entries()[0].all("why")[0].text, words);
    assert.strictEqual(page.entries()[0].all("retry").length, 0);
    page.socket.last("message").answer({ offset: base, at: 1 });
    assert.strictEqual(page.entries()[1].all("why")[0].text, "");
    assert.deepStrictEqual(page.texts(), ["bad", "good"]);
    assert.deepStrictEqual(openPage(browser).texts(), [], "after a reload it is gone");
  }
});

test("the reader is told while messages wait for a busy server, and not any more when they go", () => {
  const page = openPage(openBrowser());
  page.joins("me");
  page.say("hi");
  page.socket.last("message").answer(refused("busy"));
  assert.strictEqual(page.nodes.notice.text, "Not sent yet: the server has too much to store. It goes out by itself.");
  page.clock.advance(2000);
  assert.ok(page.nodes.notice.hidden);
  assert.strictEqual(page.socket.sent.filter((one) => one.event === "message").length, 2);
});

test("a warning is shown for a while, and the reason when the server ends the connection", () => {
  for (const [language, warning, ending] of [
    ["en", "The server says: too much was sent in a short time.",
      "The server ended this connection: too much was sent, and it did not stop."],
    ["zh", "服务器提示：短时间内发送过多。", "服务器结束了此连接：发送过多，且未放慢。"]]) {
    const page = openPage(openBrowser(), { language });
    page.joins("me");
    page.socket.hears("warning", { code: "rate", message: "more than 9 events a second: slow down" });
    assert.strictEqual(page.nodes.notice.text, warning);
    page.clock.advance(10000);
    assert.ok(page.nodes.notice.hidden);
    page.socket.hears("warning", { code: "rate_limit", message: "more than 9 events a second: disconnected" });
    page.socket.down("io server disconnect");
    assert.strictEqual(page.nodes["banner-text"].text, ending);
    page.socket.up();
    page.socket.down("io server disconnect");
    assert.doesNotMatch(page.nodes["banner-text"].text, /[:：]/, "an old reason is not told again");
  }
});

test("a warning of a code that the page does not know is told in the server's words", () => {
  const page = openPage(openBrowser());
  page.joins("me");
  page.socket.hears("warning", { code: "new_one", message: "too many things." });
  page.socket.down("transport close");
  assert.match(page.nodes["banner-text"].text, /^Connection lost: too many things\. Trying again in \d+ s\.$/);
});

test("after a server that ended the connection, what waits goes out at a pace", () => {
  const page = openPage(openBrowser());
  page.joins("me");
  page.socket.down("io server disconnect");
  for (let i = 0; i < 100; i++) { page.say("n" + i); }
  page.nodes["banner-act"].does("click");
  page.joins("me later");
  const sent = () => page.socket.sent.filter((one) => one.event === "message");
  let answered = 0;
  for (let ms = 0; ms < 1000; ms += 10) {
    while (answered < sent().length) { sent()[answered].answer({ offset: base + answered++ }); }
    page.clock.advance(10);
  }
  assert.ok(answered > 5 && answered < 20, answered + " in the first second");
});

test("what waits survives a reload, with its key and in order, and is said once", () => {
  const browser = openBrowser();
  const before = openPage(browser);
  before.joins("me");
  before.say("under way");
  const key = before.socket.last("message").args[1].id;
  before.socket.down("transport close");
  before.say("never sent");

  const page = openPage(browser);
  assert.deepStrictEqual(page.texts(), ["under way", "never sent"]);
  page.joins("me later");
  const [first, second] = page.socket.sent.filter((one) => one.event === "message");
  assert.deepStrictEqual([first.args[0], first.args[1].id, second.args[0]], ["under way", key, "never sent"]);
  first.answer({ offset: base, at: 1 });
  second.answer({ offset: base + 1, at: 2 });
  assert.deepStrictEqual(openPage(browser).texts(), [], "nothing is left");
});

test("a message that an earlier page sent already stands there once, as the reader's own", () => {
  const browser = openBrowser();
  const before = openPage(browser);
  before.joins("me");
  before.say("hi");
  const page = openPage(browser);
  page.joins("me later", { first: base, offset: base });
  page.socket.hears("news", "hi", { from: "Ann", id: "me", at: 1, offset: base });
  assert.deepStrictEqual(page.texts(), ["hi"]);
  assert.strictEqual(page.entries()[0].all("mine").length, 1);
  page.socket.last("message").answer({ offset: base, at: 1 });
  assert.deepStrictEqual(page.texts(), ["hi"]);
});

test("a message that another page of this browser sent meanwhile stands there once", () => {
  const browser = openBrowser();
  const other = openPage(browser);
  other.say("hi"); // it waits for its connection
  const page = openPage(browser);
  other.joins("other");
  other.socket.last("message").answer({ offset: base, at: 1 });
  page.joins("me", { first: base, offset: base });
  page.socket.hears("news", "hi", { from: "Ann", id: "other", at: 1, offset: base });
  page.socket.last("message").answer({ offset: base, at: 1 });
  assert.deepStrictEqual(page.texts(), ["hi"]);
  assert.strictEqual(page.entries()[0].all("mine").length, 1);
  assert.deepStrictEqual(openPage(browser).texts(), []);
});

test("after a reload one's own messages are one's own, and others' are not", () => {
  const browser = openBrowser();
  openPage(browser).joins("me");
  const page = openPage(browser);
  page.joins("me later", { first: base, offset: base + 1 });
  page.socket.hears("news", "mine", { from: "Ann", id: "me", at: 1, offset: base });
  page.socket.hears("news", "not mine", { from: "Ann", id: "you", at: 1, offset: base + 1 });
  assert.deepStrictEqual(page.entries().map((entry) => entry.all("mine").length), [1, 0]);
});

test("what the browser keeps is bounded", () => {
  const browser = openBrowser();
  const page = openPage(browser);
  for (let i = 0; i < 300; i++) { page.say("x".repeat(i < 90 ? 10 : 9000)); }
  for (let i = 0; i < 1000; i++) { page.Crier.kept.addId("id" + i); }
  const size = Object.values(browser.kept).join("").length;
  assert.ok(size < 300000, size + " characters");
  assert.ok(page.Crier.kept.isOwn("id999"));
  assert.strictEqual(JSON.parse(browser.kept["crier.ids"]).length, 200);
  assert.strictEqual(page.entries().length, 300, "in the page are all of them");
});

test("after a reload, a refused message is not taken for a later one with its text", () => {
  const browser = openBrowser();
  const before = openPage(browser);
  before.joins("me");
  before.say("hi");
  before.socket.last("message").answer(refused("internal"));
  const page = openPage(browser);
  page.joins("me later", { first: base, offset: base });
  page.socket.hears("news", "hi", { from: "Ann", id: "me", at: 1, offset: base });
  assert.strictEqual(page.nodes.log.all("failed").length, 1);
  assert.deepStrictEqual(page.texts(), ["hi", "hi"]);
});

test("what was written long ago is not sent by itself", () => {
  const browser = openBrowser();
  openPage(browser).say("old");
  browser.clock.advance(13 * 3600000);
  const page = openPage(browser);
  page.joins("me");
  assert.strictEqual(page.socket.last("message"), undefined);
  assert.match(page.entries()[0].all("why")[0].text, /earlier visit/);
  page.entries()[0].all("retry")[0].does("click");
  assert.strictEqual(page.socket.last("message").args[0], "old");
});

test("what the storage holds by mistake does no harm", () => {
  for (const kept of ["{", "{}", "null", "[null, 5, {}, {\"text\": 1}]"]) {
    const browser = openBrowser();
    Object.assign(browser.kept, { "crier.outbox": kept, "crier.ids": kept, "crier.secret": "x" });
    const page = openPage(browser);
    page.joins("me");
    assert.match(page.socket.last("f").args[1].secret, /^[\w-]{16,128}$/);
    page.say("hi");
    assert.deepStrictEqual(page.texts(), ["hi"]);
  }
});
