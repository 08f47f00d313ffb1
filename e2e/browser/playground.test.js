"use strict";

// The playground in Chromium: every endpoint, and what a connection does by itself.

const assert = require("node:assert/strict");
const test = require("node:test");
const { connect: join } = require("../client");
const { browserPromise, serverFor } = require("../suite");
const { startProduct, TARGET } = require("../target");
const { assertQuiet, chromiumForFile, openPage, picture } = require("./chromium");

// The reference has no such endpoints.
const absent = TARGET === "reference";
const product = absent ? {} : serverFor(() => startProduct());
const chromium = chromiumForFile();
const promise = absent ? (name) => test.skip(name) : browserPromise;

const open = (t, options) => openPage(t, chromium, `${product.url}/playground`, { viewport: { width: 1280, height: 900 }, ...options });

async function connect(page, endpoint) {
  await page.selectOption("#endpoint", endpoint);
  await page.click("#connect");
  await page.waitForSelector("#state.live");
}

async function send(page, text) {
  await page.fill("#message", text);
  await page.press("#message", "Enter");
}

// Waits for a line of the record that has all of the words.
const records = (page, ...words) =>
  words
    .reduce((lines, word) => lines.filter({ hasText: word }), page.locator(".record"))
    .first()
    .waitFor();

promise("the echo comes back: text, a drawing as Blob and as ArrayBuffer, ping, and the normal close", async (t) => {
  const page = await open(t);
  await page.fill("#protocols", "crier.v1.text");
  await connect(page, "echo");
  assert.equal(await page.textContent("#ready-state"), "OPEN (1)");
  assert.equal(await page.textContent("#protocol"), '"crier.v1.text"');
  await send(page, "hello, 世界");
  await records(page, "HELLO, 世界!!!");
  for (const [count, kind] of ["blob", "arraybuffer"].entries()) {
    await page.selectOption("#binary-type", kind);
    await page.click("#sketch");
    await page.click("#send-drawing");
    await page.waitForFunction((n) => document.querySelectorAll(".picture").length === n, count + 1);
  }
  await page.waitForFunction(() => {
    const drawing = (id) => document.getElementById(id).toDataURL();
    return drawing("sheet") === drawing("answer");
  });
  await page.click("#send-ping");
  await records(page, "pong");
  await picture(page, "playground echo");
  await page.click("#send-stop");
  await records(page, "close", "1000", "stopped as asked");
  assertQuiet(page);
});

promise("hello greets, under both of its paths", async (t) => {
  const page = await open(t);
  for (const endpoint of ["hello", "websocket"]) {
    await connect(page, endpoint);
    await records(page, "world");
    await page.click("#close");
    await page.waitForSelector("#state.offline");
    await page.click("#clear");
  }
  assertQuiet(page);
});

promise("two playgrounds chat, and a drawing is more than the chat takes", async (t) => {
  const [one, two] = [await open(t), await open(t, { locale: "zh-CN" })];
  await connect(one, "chat");
  await connect(two, "chat");
  await send(one, "大家好");
  for (const page of [one, two]) await records(page, "1说: 大家好");
  await two.click("#send-drawing");
  await records(two, "close", "1003");
  await picture(two, "playground chat in Chinese");
  for (const page of [one, two]) assertQuiet(page);
});

promise("the playground and a Socket.IO client hear each other's news", async (t) => {
  const page = await open(t);
  await connect(page, "news");
  await page.fill("#speaker", "Ada");
  await page.click("#register");
  await records(page, '"ack"', '"Ada"');
  const socket = await join(t, product, { version: "4.8.4", transport: "websocket" });
  socket.send("from Socket.IO");
  await records(page, '"data":"from Socket.IO"');
  assertQuiet(page);
});

promise("a close of one's own has its code and reason, and no reconnect; a lost server is looked for again", async (t) => {
  const server = await startProduct();
  t.after(() => server.stop());
  const page = await openPage(t, chromium, `${server.url}/playground`, { viewport: { width: 1280, height: 900 } });
  await connect(page, "echo");
  await page.fill("#code", "4321");
  await page.fill("#reason", "because");
  await page.click("#close");
  await records(page, "close", "4321", "because");
  await page.waitForSelector("#state.offline");
  await connect(page, "echo");
  await server.stop();
  await records(page, "close", "1001");
  await page.waitForSelector("#state.reconnecting");
  await picture(page, "playground reconnecting");
});
