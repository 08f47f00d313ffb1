"use strict";

// Crier's own page in Chromium.

const assert = require("node:assert/strict");
const test = require("node:test");
const { ask, connect } = require("../client");
const { browserPromise: promise, serverFor } = require("../suite");
const { dataFolder, startProduct, TARGET } = require("../target");
const { assertQuiet, chromiumForFile, openPage, picture, reads, withoutWebSocket } = require("./chromium");

const product = serverFor(() => startProduct());
const chromium = chromiumForFile();
// The 2.x client fills its empty frame by a javascript: URL; a page's policy may keep it from that, and nothing is lost.
const EMPTY_FRAME = /Running the JavaScript URL violates/;
const LAST = "#log .entry:last-child .said";
// What needs a feed, which the reference has not.
const feedPromise = TARGET === "reference" ? (name) => test.skip(name) : promise;

async function speakAs(page, name, text) {
  await page.fill("#name", name);
  await page.press("#name", "Enter");
  await page.fill("#text", text);
  await page.click("#send");
}

const open = (t, query = "", options = {}) => openPage(t, chromium, `${product.url}/${query}`, options);

// The names of the transports that the page's requests went over.
function watchRequests(page) {
  const seen = new Set();
  page.on("request", (request) => seen.add(request.resourceType()));
  page.on("websocket", () => seen.add("websocket"));
  return seen;
}

promise("the page connects, upgrades to WebSocket, and shows what one says", async (t) => {
  const page = await open(t);
  await reads(page, "#state-text", "live · websocket");
  await speakAs(page, "Ann", "说:hello <b>everyone</b> !");
  await reads(page, LAST, "说:hello <b>everyone</b> !");
  await reads(page, "#log .entry:last-child .who", "Ann");
  assert.equal(await page.locator("#log .entry").count(), 1, "an own message stands there once");
  assert.equal(await page.locator("#log .said b").count(), 0, "text became HTML");
  await picture(page, "page");
  assertQuiet(page);
});

promise("two windows talk to each other", async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  for (const page of [ann, bob]) await reads(page, "#state-text", "live");
  await speakAs(ann, "Ann", "hello Bob");
  await reads(bob, LAST, "hello Bob");
  await speakAs(bob, "Bob", "hello Ann");
  await reads(ann, LAST, "hello Ann");
  await reads(ann, "#log .entry:last-child .who", "Bob");
  await picture(ann, "two windows Ann");
  await picture(bob, "two windows Bob");
  for (const page of [ann, bob]) assertQuiet(page);
});

promise("without WebSocket the page stays on polling and works the same", async (t) => {
  const page = await open(t, "", { prepare: withoutWebSocket });
  const seen = watchRequests(page);
  await reads(page, "#state-text", "live · polling");
  await speakAs(page, "Polly", "over polling 说");
  await reads(page, LAST, "over polling 说");
  const other = await connect(t, product, { version: "4.8.4", transport: "websocket" });
  other.send("from a socket");
  await reads(page, LAST, "from a socket");
  await reads(page, "#state-text", "live · polling");
  assert.equal(seen.has("websocket"), false);
  await picture(page, "without WebSocket");
  assertQuiet(page);
});

promise("without WebSocket the 2.x client works too", async (t) => {
  const page = await open(t, "?client=2", { prepare: withoutWebSocket });
  await reads(page, "#state-text", "live · polling");
  await speakAs(page, "Old Polly", "over the 2.x client 说");
  await reads(page, LAST, "over the 2.x client 说");
  await picture(page, "2.x without WebSocket");
  assertQuiet(page);
});

promise("over JSONP the page works the same", async (t) => {
  const page = await open(t, "?transport=jsonp");
  const seen = watchRequests(page);
  await reads(page, "#state-text", "live · jsonp");
  await speakAs(page, "Jason", 'over JSONP 说 "quoted" \\n');
  await reads(page, LAST, 'over JSONP 说 "quoted" \\n');
  const other = await connect(t, product, { version: "4.8.4", transport: "websocket" });
  other.send("from a socket\u2028with a separator");
  await reads(page, LAST, "from a socket");
  assert.equal(seen.has("xhr") || seen.has("fetch"), false, `not by scripts alone: ${[...seen]}`);
  await picture(page, "JSONP");
  assertQuiet(page, EMPTY_FRAME);
});

promise("a Chinese browser gets a Chinese page", async (t) => {
  const page = await open(t, "", { locale: "zh-CN" });
  await reads(page, "#state-text", "已连接 · websocket");
  await reads(page, "#send", "发送");
  await picture(page, "Chinese");
});

promise("on a telephone's screen everything is within reach", async (t) => {
  const page = await open(t, "", { viewport: { width: 360, height: 640 } });
  await reads(page, "#state-text", "live");
  await speakAs(page, "Small", "a line that is long enough to need another one on a screen as narrow as this");
  await reads(page, LAST, "a line that is long");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.equal(wide, false, "the page is wider than the screen");
  await picture(page, "telephone");
});

promise("a bad name is shown as such", async (t) => {
  const page = await open(t);
  await reads(page, "#state-text", "live");
  await page.fill("#name", "x".repeat(65));
  await page.press("#name", "Enter");
  await reads(page, "#name-error", /\S/);
  await picture(page, "bad name");
});

promise("the page comes back by itself when the server was away", async (t) => {
  const first = await startProduct();
  t.after(() => first.stop());
  const page = await openPage(t, chromium, first.url);
  await reads(page, "#state-text", "live");
  await speakAs(page, "Faithful", "before");
  await reads(page, LAST, "before");
  await first.stop();
  await page.locator("#banner").waitFor({ state: "visible" });
  await picture(page, "server away");
  const second = await startProduct({}, first.port);
  t.after(() => second.stop());
  await page.click("#banner-act").catch(() => "it has come back by itself before the click");
  await reads(page, "#state-text", "live");
  const other = await connect(t, second, { version: "4.8.4", transport: "websocket" });
  await registered(other, "Faithful");
  other.send("after");
  await reads(page, LAST, "after");
});

// All that the page shows, in order.
const shown = (page) => page.locator("#log .entry .said").allInnerTexts();
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `n${from + i}`);

async function say(t, server, texts) {
  const teller = await connect(t, server, { version: "4.8.4", transport: "websocket" });
  await ask(teller, "f", "Teller");
  await Promise.all(texts.map((text) => ask(teller, "message", text)));
  teller.close();
}

feedPromise("the page shows the last that was said, and what was said while it was away, once", async (t) => {
  const CRIER_DATA = dataFolder();
  let server = await startProduct({ CRIER_DATA });
  t.after(() => server.stop());
  await say(t, server, numbers(1, 60));
  const page = await openPage(t, chromium, server.url);
  await reads(page, LAST, "n60");
  // A log that is not scrolled down yet when it is looked at brings what is before, too.
  assert.deepEqual((await shown(page)).slice(-50), numbers(11, 60));
  assert.equal(await page.title(), "Crier", "what was said before is not new");

  await server.kill();
  await page.locator("#banner").waitFor({ state: "visible" });
  await page.fill("#text", "said while away");
  await page.click("#send");
  server = await startProduct({ CRIER_DATA }, server.port);
  await say(t, server, numbers(61, 90));
  await page.click("#banner-act").catch(() => "it has come back by itself before the click");
  await page.locator("#log .entry.done .said").filter({ hasText: "said while away" }).waitFor();
  await page.locator("#log .said").filter({ hasText: "n90" }).waitFor();
  const texts = await shown(page);
  const others = texts.filter((text) => text !== "said while away");
  assert.deepEqual(others, numbers(91 - others.length, 90));
  assert.ok(others.length >= 80, "the last that was said, and what was said while it was away");
  assert.equal(texts.length, others.length + 1, "the page's own stands there once");
  await picture(page, "history");
});

feedPromise("the page says so when what it missed is not kept any more", async (t) => {
  const first = await startProduct();
  await say(t, first, numbers(1, 5));
  const page = await openPage(t, chromium, first.url);
  await reads(page, LAST, "n5");
  await first.kill();
  const second = await startProduct({}, first.port); // which has another folder
  t.after(() => second.stop());
  await page.click("#banner-act").catch(() => "it has come back by itself before the click");
  await reads(page, "#state-text", "live");
  await say(t, second, ["after"]);
  await reads(page, LAST, "after");
  await reads(page, "#log .rule.gap", "no longer kept");
  await picture(page, "gap");
});

// Waits until somebody of this name is in the room.
async function registered(socket, name) {
  for (;;) {
    const [{ names }] = await ask(socket, "f", "watcher");
    if (names.includes(name)) return;
  }
}
