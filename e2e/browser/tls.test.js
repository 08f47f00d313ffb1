"use strict";

// The page over https in Chromium: polling over HTTP/2, and then a WebSocket on a connection of its own.

const assert = require("node:assert/strict");
const test = require("node:test");
const { certificate } = require("../certificate");
const { browserPromise } = require("../suite");
const { startProduct, TARGET } = require("../target");
const { chromiumForFile } = require("./chromium");

const chromium = chromiumForFile();
const promise = TARGET === "reference" ? (name) => test.skip(name) : browserPromise;

promise("over https the page polls by HTTP/2 and moves to a WebSocket", async (t) => {
  const { cert, key } = certificate();
  const server = await startProduct({ CRIER_TLS_CERT: cert, CRIER_TLS_KEY: key });
  t.after(() => server.stop());
  const context = await (await chromium.browser()).newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.goto(server.url.replace("http:", "https:"), { waitUntil: "domcontentloaded" });
  await page.locator("#state-text").filter({ hasText: "live · websocket" }).first().waitFor();
  const polls = await page.evaluate(() =>
    performance.getEntriesByType("resource").filter((e) => /transport=polling/.test(e.name)).map((e) => e.nextHopProtocol),
  );
  assert.ok(polls.length > 0 && polls.every((protocol) => protocol === "h2"), polls.join());
  assert.match(sockets.join(), /^wss:/);
});
