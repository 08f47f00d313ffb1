"use strict";

// A page of another origin, with the page script of years ago and the socket.io.js of every major version. The bundle of
// 1.0.6 runs in a browser only: what its package depends on cannot be installed in Node any more.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { after, before, describe } = require("node:test");
const { FEW } = require("../client");
const { TARGET, startProduct } = require("../target");
const { browserPromise: promise } = require("../suite");
const { assertQuiet, chromiumForFile, openPage, picture, reads, withoutWebSocket } = require("./chromium");

// The reference takes clients before 2 for clients of 2: over polling the script's text ends their sessions.
const ALL = TARGET === "reference" ? ["2.5.0", "3.1.3", "4.8.4"] : ["1.0.6", "1.7.4", "2.5.0", "3.1.3", "4.8.4"];
const VERSIONS = FEW ? ["2.5.0", "4.8.4"] : ALL;
const WITH_JSONP = VERSIONS.filter((version) => version < "3");
const chromium = chromiumForFile();
let pages;
let product;

before(async () => {
  pages = http.createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => pages.once("listening", resolve));
  product = await startProduct({ CRIER_ALLOWED_ORIGINS: origin() });
});

after(async () => {
  pages?.close();
  pages?.closeAllConnections();
  await product?.stop();
});

const origin = () => `http://127.0.0.1:${pages.address().port}`;

// /1.7.4/?sayer=NAME is the page, /1.7.4/socket.io.js its bundle.
function answer(request, response) {
  const url = new URL(request.url, "http://localhost");
  const [, version, file] = url.pathname.split("/");
  if (!VERSIONS.includes(version)) return response.writeHead(404).end();
  const script = file === "socket.io.js";
  response.writeHead(200, { "Content-Type": script ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8" });
  response.end(script ? bundle(version) : html(version, url.searchParams));
}

function bundle(version) {
  const folder = path.dirname(require.resolve(`socket.io-client-${version}/package.json`));
  return readFileSync(path.join(folder, version === "1.0.6" ? "socket.io.js" : "dist/socket.io.js"));
}

// The script is the one that was written for a Node server. What is around it is the test's: the socket is kept by name,
// and "connect" may be given options that the script does not know of.
const html = (version, query) => `<!DOCTYPE html>
<html><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>socket.io ${version}</title></head><body>
<h1>socket.io ${version}</h1>
<input id="sayer" value="${query.get("sayer")}"><p id="transport"></p><ul id="news"></ul>
<script src="socket.io.js"></script>
<script>
  var sayer = document.getElementById("sayer");
  (function (io) {
    var socket = io.connect("${product.url}");
    socket.on("connect", function () {
      socket.emit("f", sayer.value, function () { socket.send(sayer.value + "说:hello !"); });
    });
    socket.on("news", function (data) {
      var item = document.createElement("li");
      item.appendChild(document.createTextNode(typeof data === "string" ? data : "binary"));
      document.getElementById("news").appendChild(item);
    });
    window.socket = socket;
  })({ connect: function (url) { return io.connect(url, ${query.get("options") || "undefined"}); } });
</script></body></html>`;

function openOldPage(t, version, sayer, options, prepare) {
  const query = new URLSearchParams({ sayer, ...(options && { options: JSON.stringify(options) }) });
  return openPage(t, chromium, `${origin()}/${version}/?${query}`, { prepare });
}

const transportOf = (page) => page.evaluate(() => window.socket.io.engine.transport.name);

async function upgraded(page) {
  await page.waitForFunction(() => window.socket.io.engine.transport.name === "websocket");
}

// Sends bytes as an ArrayBuffer and answers with the bytes of the next binary news.
const sendBytes = (page, values) =>
  page.evaluate(
    (sent) =>
      new Promise((resolve) => {
        window.socket.on("news", (data) => data instanceof ArrayBuffer && resolve([...new Uint8Array(data)]));
        window.socket.send(new Uint8Array(sent).buffer);
      }),
    values,
  );

describe("the old page script runs unchanged from another origin", () => {
  for (const version of VERSIONS) {
    promise(`with socket.io.js ${version}, over polling and then WebSocket`, async (t) => {
      const page = await openOldPage(t, version, "老页面");
      await upgraded(page);
      await reads(page, "#news li", "老页面说:hello !");
      const bytes = [0, 1, 127, 128, 255];
      assert.deepEqual(await sendBytes(page, bytes), bytes);
      await picture(page, `old page ${version}`);
      assertQuiet(page);
    });
  }
});

describe("without WebSocket it stays on polling", () => {
  for (const version of VERSIONS) {
    promise(`with socket.io.js ${version}`, async (t) => {
      const page = await openOldPage(t, version, "Polly", undefined, withoutWebSocket);
      await reads(page, "#news li", "Polly说:hello !");
      const bytes = [0, 1, 127, 128, 255];
      assert.deepEqual(await sendBytes(page, bytes), bytes);
      assert.equal(await transportOf(page), "polling");
      await picture(page, `old page without WebSocket ${version}`);
      assertQuiet(page);
    });
  }
});

describe("forced to JSONP it works by scripts and forms", () => {
  for (const version of WITH_JSONP) {
    promise(`with socket.io.js ${version}`, async (t) => {
      const page = await openOldPage(t, version, "Jason", { forceJSONP: true, transports: ["polling"] });
      await reads(page, "#news li", "Jason说:hello !");
      assert.equal(await page.evaluate(() => typeof window.socket.io.engine.transport.index), "number");
      await picture(page, `old page JSONP ${version}`);
      assertQuiet(page);
    });
  }
});

promise("pages of all versions hear each other", async (t) => {
  const opened = await Promise.all(VERSIONS.map((version) => openOldPage(t, version, `page ${version}`)));
  await Promise.all(opened.map((page, i) => reads(page, "#news li", `page ${VERSIONS[i]}说:hello !`)));
  await opened[0].evaluate(() => window.socket.send("大家好"));
  for (const page of opened) await reads(page, "#news li", "大家好");
});

promise("a page of another origin loads the bundles by import and by <script crossorigin>", async (t) => {
  const page = await openPage(t, chromium, `${origin()}/4.8.4/?sayer=Modern`);
  for (const file of ["socket.io.esm.min.js", "socket.io.js", "socket.io.min.js"]) {
    const id = await page.evaluate(connectWith, { url: product.url, file });
    assert.match(id, /^[\w-]{20}/, `${file}: ${id}`);
  }
  assertQuiet(page);
});

// Runs in the page: loads the bundle, and connects with a subprotocol, which Chromium wants to be answered.
async function connectWith({ url, file }) {
  const source = `${url}/socket.io/${file}`;
  let { io } = file.includes("esm") ? await import(source) : {};
  if (!io) {
    const script = Object.assign(document.createElement("script"), { src: source, crossOrigin: "anonymous" });
    const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
    document.head.append(script);
    await loaded;
    io = window.io;
  }
  const socket = io(url, { transports: ["websocket"], protocols: ["chat"], forceNew: true, reconnection: false });
  return new Promise((resolve) => {
    socket.on("connect_error", (error) => resolve(error.message));
    socket.on("connect", () => (resolve(socket.id), socket.close()));
  });
}

promise("a page whose origin is not listed is kept out", async (t) => {
  const closed = await startProduct();
  t.after(() => closed.stop());
  for (const transports of [["polling"], ["websocket"]]) {
    const page = await openPage(t, chromium, `${origin()}/4.8.4/?sayer=nobody`);
    const error = await page.evaluate(connectError, { url: closed.url, transports });
    assert.match(error, transports[0] === "polling" ? /xhr poll error/ : /websocket error/);
  }
});

// Runs in the page.
function connectError({ url, transports }) {
  return new Promise((resolve) => {
    const socket = window.io(url, { transports, forceNew: true, reconnection: false });
    socket.on("connect_error", (error) => resolve(error.message));
    socket.on("connect", () => resolve("connected"));
  });
}
