"use strict";

// The page behind proxies, under other names, and from the disk, in Chromium.

const assert = require("node:assert/strict");
const { readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const { pathToFileURL } = require("node:url");
const { openProxy } = require("../proxy");
const { browserPromise } = require("../suite");
const { dataFolder, logged, startProduct, TARGET } = require("../target");
const { assertQuiet, chromiumForFile, openPage, picture, reads } = require("./chromium");

const chromium = chromiumForFile();
// The reference has other rules, and serves no page.
const promise = TARGET === "reference" ? (name) => test.skip(name) : browserPromise;
const LAST = "#log .entry:last-child .said";

async function product(t, env = {}) {
  const server = await startProduct(env);
  t.after(() => server.stop());
  return server;
}

// Chromium finds every name below .test at 127.0.0.1. It does not tell such a site's origin in other headers than Origin, as
// it would that of a site with TLS.
const named = (url, name) => url.replace("127.0.0.1", name);

async function speaks(page, text) {
  await page.fill("#text", text);
  await page.click("#send");
  await reads(page, LAST, text);
}

promise("below a path that a proxy strips, the page and the playground work as they are", async (t) => {
  const server = await product(t);
  const proxy = await openProxy(t, server, { prefix: "/some/where" });
  for (const [query, transport] of [
    ["", "websocket"],
    ["?transport=polling", "polling"],
    ["?transport=jsonp", "jsonp"],
    ["?client=2", "websocket"],
  ]) {
    const page = await openPage(t, chromium, `${proxy.url}/${query}`);
    await reads(page, "#state-text", `live · ${transport}`);
    await speaks(page, `over ${transport} ${query}`);
    assertQuiet(page, /Running the JavaScript URL violates/);
  }
  const page = await openPage(t, chromium, `${proxy.url}/`);
  await page.click("#to-playground");
  await page.selectOption("#endpoint", "echo");
  await page.click("#connect");
  await page.waitForSelector("#state.live");
  await page.click("header a[href='../'], #top a[href='../']");
  await reads(page, "#state-text", "live");
  assert.equal(new URL(page.url()).pathname, "/some/where/");
  assertQuiet(page);
});

promise("a path of one's own holds below another, too", async (t) => {
  const server = await product(t, { CRIER_PATH: "/live/io/" });
  const proxy = await openProxy(t, server, { prefix: "/x" });
  const page = await openPage(t, chromium, `${proxy.url}/`);
  await reads(page, "#state-text", "live · websocket");
  assertQuiet(page);
});

// What nginx does unless it is told otherwise: Host is the address that it passes requests on to.
const nginx = (server) => (headers) => ({ ...headers, host: `127.0.0.1:${server.port}` });

promise("behind a proxy that changes Host, page, log and metric say so, in every language and light", async (t) => {
  const server = await product(t);
  const proxy = await openProxy(t, server, { headers: nginx(server) });
  const words = { "en-US": "proxy in front of it seems to change the Host header", "zh-CN": "代理似乎改写了 Host 请求头" };
  for (const [locale, told] of Object.entries(words)) {
    for (const query of ["", "?transport=websocket", "?transport=jsonp", "?client=2"]) {
      const page = await openPage(t, chromium, named(proxy.url, "crier.test") + "/" + query, { locale });
      await reads(page, "#banner-text", told);
      if (query) continue;
      await picture(page, `proxy ${locale}`);
      await page.click("#theme");
      await picture(page, `proxy ${locale} other theme`);
      await page.setViewportSize({ width: 360, height: 640 });
      await picture(page, `proxy ${locale} narrow`);
    }
  }
  await logged(server, /proxy_set_header Host \$http_host;/);
  assert.equal(server.log().split("proxy_set_header").length, 2, "one line");
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /crier_refused_requests_total\{reason="proxy"\} [1-9]/);
});

promise("a trusted proxy that tells the host it was asked for has its page served", async (t) => {
  const server = await product(t, { CRIER_TRUSTED_PROXIES: "127.0.0.1" });
  const proxy = await openProxy(t, server, {
    headers: (given) => ({ ...given, host: "crier_upstream", "x-forwarded-host": given.host, "x-forwarded-for": "192.0.2.1" }),
  });
  for (const query of ["", "?transport=polling", "?transport=jsonp"]) {
    const page = await openPage(t, chromium, named(proxy.url, "crier.test") + "/" + query);
    await reads(page, "#state-text", "live");
    await speaks(page, `by name ${query}`);
    assertQuiet(page, /Running the JavaScript URL violates/);
  }
});

promise("where the browser vouches for the page, a proxy that changes Host does not keep it out", async (t) => {
  const server = await product(t);
  const proxy = await openProxy(t, server, { headers: nginx(server) });
  const page = await openPage(t, chromium, named(proxy.url, "localhost") + "/");
  await reads(page, "#state-text", "live");
  await speaks(page, "by the browser's word");
});

promise("a name that was turned to this machine opens nothing", async (t) => {
  const server = await product(t);
  const page = await openPage(t, chromium, named(server.url, "rebound.test") + "/");
  await reads(page, "body", "421: this server does not answer to the host rebound.test");
  const status = await page.evaluate(async () => {
    const answer = await fetch("/socket.io/?EIO=4&transport=polling");
    const socket = await new Promise((resolve) => {
      const ws = new WebSocket(`ws://${location.host}/ws/news`);
      ws.onopen = () => resolve("open");
      ws.onerror = () => resolve("refused");
    });
    return [answer.status, socket];
  });
  assert.deepEqual(status, [421, "refused"]);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
});

const README = path.join(__dirname, "..", "..", "README.md");

promise("README's first page works from the disk where null is allowed, and is refused in words else", async (t) => {
  const [, snippet] = /```html\n([\s\S]*?)```/.exec(readFileSync(README, "utf8"));
  assert.match(snippet, /localhost:3000/);
  const opens = async (server) => {
    const file = path.join(dataFolder(), "page.html");
    writeFileSync(file, snippet.replaceAll("localhost:3000", `127.0.0.1:${server.port}`));
    return openPage(t, chromium, pathToFileURL(file).href);
  };
  const server = await product(t, { CRIER_ALLOWED_ORIGINS: "null" });
  const page = await opens(server);
  const heard = page.waitForEvent("console", (message) => message.text() === "Ann: hello!");
  await heard;
  const closed = await product(t);
  await opens(closed);
  await logged(closed, /"null\\?" to the setting allowed_origins/);
});
