"use strict";

// Crier's page in Chromium, through each proxy.

const assert = require("node:assert/strict");
const { describe } = require("node:test");
const { assertQuiet, chromiumForFile, openPage, reads, withoutWebSocket } = require("../../browser/chromium");
const { browserPromise: promise } = require("../../suite");
const { PROXIES, behindProxy } = require("../behind");

const chromium = chromiumForFile();
const LAST = "#log .entry:last-child .said";

// Opens the page below the prefix; `page.strays` are requests that it sent elsewhere.
async function open(t, proxy, prefix, options) {
  const page = await openPage(t, chromium, "about:blank", options);
  page.strays = [];
  const note = (request) => {
    if (!request.url().replace(/^ws/, "http").startsWith(`${proxy.url}${prefix}/`)) page.strays.push(request.url());
  };
  page.on("request", note).on("websocket", note);
  await page.goto(`${proxy.url}${prefix}/`, { waitUntil: "domcontentloaded" });
  return page;
}

// Says something on the page and waits until it stands there.
async function speak(page, text) {
  await page.fill("#name", "Ann");
  await page.press("#name", "Enter");
  await page.fill("#text", text);
  await page.click("#send");
  await reads(page, LAST, text);
}

for (const name of PROXIES) {
  describe(`behind ${name}`, () => {
    const { proxy } = behindProxy(name);

    promise("the page works below a prefix, moves to WebSocket, and asks for nothing outside", async (t) => {
      const page = await open(t, proxy, "/chat");
      await reads(page, "#state-text", "live · websocket");
      await speak(page, "hello below a prefix");
      assert.deepEqual(page.strays, []);
      assertQuiet(page);
    });

    promise("without WebSocket the page works on a host of its own, over polling", async (t) => {
      const page = await open(t, proxy, "", { prepare: withoutWebSocket });
      await reads(page, "#state-text", "live · polling");
      await speak(page, "hello over polling");
      assertQuiet(page);
    });
  });
}
