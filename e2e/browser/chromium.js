"use strict";

// Headless Chromium for the tests: one process per file, a fresh profile for each page.

const assert = require("node:assert/strict");
const { accessSync, constants, mkdirSync } = require("node:fs");
const path = require("node:path");
const { after } = require("node:test");
const { chromium } = require("playwright-core");

const EXECUTABLE = process.env.CHROMIUM || "/usr/bin/chromium";
const SCREENSHOTS = path.join(__dirname, "..", "screenshots");
const START_MS = 30_000;
const WAIT_MS = 15_000;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP *.test 127.0.0.1", // names of tests
];

function assertInstalled() {
  try {
    accessSync(EXECUTABLE, constants.X_OK);
  } catch {
    throw new Error(
      `no Chromium at ${EXECUTABLE}: install it (Debian: apt-get install chromium) or set CHROMIUM to its path`,
    );
  }
}

// Chromium for the tests of a file, started with the first page.
function chromiumForFile() {
  const file = {
    browser: () => (file.started ??= start()),
  };
  after(
    () =>
      file.started?.then(
        (browser) => browser.close(),
        () => "it did not start",
      ),
    { timeout: START_MS },
  );
  return file;
}

async function start() {
  assertInstalled();
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS, timeout: START_MS });
}

// A page in a profile of its own. `prepare` runs in the page before its scripts; what the page complains of fails the test.
// A certificate that nobody has signed is taken.
async function openPage(t, file, url, { prepare, locale = "en-US", viewport = { width: 900, height: 640 } } = {}) {
  const browser = await file.browser();
  const context = await browser.newContext({ locale, viewport, ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url, { waitUntil: "domcontentloaded" }); // a JSONP poll that waits keeps a page loading
  return page;
}

const withoutWebSocket = () => {
  delete window.WebSocket;
};

// Waits until the page's text at `selector` has `words`.
async function reads(page, selector, words) {
  await page.locator(selector).filter({ hasText: words }).first().waitFor();
}

async function picture(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({
    path: path.join(SCREENSHOTS, `${process.env.TARGET || "crier"} ${name}.png`.replace(/ /g, "-")),
  });
}

function assertQuiet(page, harmless = /^$/) {
  assert.deepEqual(
    page.complaints.filter((text) => !harmless.test(text)),
    [],
  );
}

module.exports = { assertQuiet, chromiumForFile, openPage, picture, reads, withoutWebSocket };
