"use strict";

// What of a request reaches Crier through each proxy, and that answers come back.

const assert = require("node:assert/strict");
const http = require("node:http");
const http2 = require("node:http2");
const { after, before, describe, test } = require("node:test");
const { WebSocket } = require("ws");
const { ask, connect, settle } = require("../../client");
const { behindProxy, PROXIES } = require("../behind");
const { handshake, openSession, request } = require("../requests");
const { startProxy } = require("../start");

const TIMEOUT = { timeout: 20_000 };
const MAX_PAYLOAD = 1_000_000;
const CLIENT = "127.0.0.77";
const LIES = { "X-Forwarded-For": "192.0.2.1", Forwarded: "for=192.0.2.2" };

// Each message differs, since that of another test may still be on its way.
let count = 0;

for (const name of PROXIES) {
  describe(`through ${name}, to Crier:`, () => {
    const { product, proxy } = behindProxy(name, { CRIER_LOG_LEVEL: "debug" });

    for (const prefix of ["", "/chat"]) {
      const polling = `${prefix}/socket.io/?EIO=4&transport=polling`;
      const websocket = `${prefix}/socket.io/?EIO=4&transport=websocket`;

      // Where the last request came from, as the log says; a WebSocket's line comes when it has ended.
      const loggedAddresses = () => [...product.log().matchAll(/"path":"\/socket.io\/".*?"address":"(.*?)"/g)].map(([, a]) => a);

      test(`the client's address arrives, whatever the client says it is, at ${prefix}/`, TIMEOUT, async () => {
        const before = loggedAddresses().length;
        const { status } = await request(proxy, polling, { from: CLIENT, headers: LIES });
        assert.equal(status, 200);
        assert.equal(await handshake(proxy, websocket, { from: CLIENT, headers: LIES }), 101);
        await settle("both requests are in the log", (resolve) => {
          const look = () => (loggedAddresses().length >= before + 2 ? resolve() : setTimeout(look, 10));
          look();
        });
        assert.deepEqual(new Set(loggedAddresses().slice(before)), new Set([CLIENT]));
      });

      test(`the proxy's own pages may connect and others may not, at ${prefix}/`, TIMEOUT, async () => {
        const own = { Origin: proxy.url };
        const foreign = { Origin: `https://elsewhere.example:${proxy.port}` };
        assert.equal((await request(proxy, polling, { headers: own })).status, 200);
        assert.equal(await handshake(proxy, websocket, { headers: own }), 101);
        assert.equal((await request(proxy, polling, { headers: foreign })).status, 403);
        assert.equal(await handshake(proxy, websocket, { headers: foreign }), 403);
      });

      test(`a POST of max_payload arrives and a larger one is answered 413, at ${prefix}/`, TIMEOUT, async () => {
        const post = async (session, length) => {
          const head = '42["message","';
          const body = head + "x".repeat(length - head.length - 2) + '"]';
          const headers = { "Content-Type": "text/plain;charset=UTF-8", "Content-Length": body.length };
          return (await request(proxy, session, { method: "POST", headers, body })).status;
        };
        const session = await openSession(proxy, prefix);
        await request(proxy, session, { method: "POST", body: "40" });
        assert.equal(await post(session, MAX_PAYLOAD), 200);
        const refused = await post(session, MAX_PAYLOAD + 1);
        assert.ok([413, ...(name === "caddy" ? [502] : [])].includes(refused), `the answer is ${refused}`);
      });

      for (const transport of ["polling", "websocket"]) {
        test(`a message of 900 kB is said and heard over ${transport} at ${prefix}/`, TIMEOUT, async (t) => {
          const how = { version: "4.8.4", transport, ca: proxy.ca, path: `${prefix}/socket.io/` };
          const socket = await connect(t, proxy, how);
          await ask(socket, "f", "a speaker");
          const large = "说".repeat(300_000) + ++count;
          const news = settle("the message is heard", (resolve) => socket.on("news", (data) => data === large && resolve()));
          socket.send(large);
          await news;
        });
      }
    }

    for (const path of ["/ws/echo", "/chat/ws/echo"]) {
      test(`a bare WebSocket is served at ${path}`, TIMEOUT, async (t) => {
        const socket = new WebSocket(proxy.url.replace("https", "wss") + path, { ca: proxy.ca });
        t.after(() => socket.terminate());
        const echo = await settle("the echo comes", (resolve, reject) => {
          socket.on("open", () => socket.send("hello")).on("message", resolve).on("error", reject);
        });
        assert.equal(String(echo), "HELLO!!!");
      });
    }

    test("plain HTTP is sent to HTTPS", TIMEOUT, async () => {
      const answer = await new Promise((resolve, reject) => {
        const url = `http://127.0.0.1:${proxy.plainPort}/playground?a=b`;
        http.get(url, { headers: { Host: "localhost" } }, resolve).on("error", reject);
      });
      answer.resume();
      assert.ok([301, 308].includes(answer.statusCode), `the answer is ${answer.statusCode}`);
      assert.match(answer.headers.location, /^https:\/\/localhost(:\d+)?\/playground\?a=b$/);
    });

    test("the prefix without its last slash leads to the page", TIMEOUT, async () => {
      const { status, headers } = await request(proxy, "/chat");
      assert.ok([301, 302, 308].includes(status), `the answer is ${status}`);
      assert.equal(new URL(headers.location, proxy.url).href, `${proxy.url}/chat/`);
    });

    test("a poll goes over HTTP/2, and a WebSocket where the proxy can", TIMEOUT, async (t) => {
      const session = http2.connect(proxy.url, { ca: proxy.ca });
      t.after(() => session.destroy());
      await settle("HTTP/2 is spoken", (resolve, reject) => session.once("remoteSettings", resolve).once("error", reject));
      const head = { ":path": "/socket.io/?EIO=4&transport=polling" };
      assert.equal(await statusOf(session.request(head)), 200);
      assert.equal(session.remoteSettings.enableConnectProtocol ?? false, name === "haproxy");
      if (name !== "haproxy") return;
      const open = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/socket.io/?EIO=4&transport=websocket" };
      const stream = session.request({ ...open, "sec-websocket-version": "13", origin: proxy.url });
      assert.equal(await statusOf(stream), 200);
    });
  });
}

const statusOf = (stream) =>
  settle("a stream is answered", (resolve, reject) =>
    stream.once("response", (headers) => resolve(headers[":status"])).once("error", reject),
  );

// A server that notes what it is asked, in Crier's place.
function startNotes() {
  const notes = { requests: [], connections: 0 };
  const server = http.createServer((asked, response) => {
    notes.requests.push({ url: asked.url, headers: asked.headers });
    response.end("ok");
  });
  server.on("connection", () => notes.connections++);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(Object.assign(notes, { server, port: server.address().port })));
  });
}

for (const name of PROXIES) {
  describe(`through ${name}, to a server that notes what it gets:`, () => {
    let notes, proxy;
    before(async () => {
      notes = await startNotes();
      proxy = await startProxy(name, { upstream: notes.port });
    }, TIMEOUT);
    after(() => Promise.all([proxy?.stop(), notes?.server.close()]), TIMEOUT);

    test("the Host comes with its port, the query untouched, and no header of a client passes for the proxy's", TIMEOUT, async () => {
      const query = "?EIO=4&transport=polling&t=a%2Fb%20c&j=0";
      await request(proxy, `/chat/socket.io/${query}`, { from: CLIENT, headers: LIES });
      const { url, headers } = notes.requests.at(-1);
      assert.equal(url, `/socket.io/${query}`);
      assert.equal(headers.host, `localhost:${proxy.port}`);
      assert.equal(headers["x-forwarded-for"].split(",").at(-1).trim(), CLIENT);
      assert.equal(headers.forwarded || "", "");
      assert.match(headers.connection || "", /^(keep-alive)?$/i);
    });

    test("connections to the server are kept for the next client's requests", TIMEOUT, async () => {
      const { connections } = notes;
      for (let i = 0; i < 20; i++) await request(proxy, "/");
      assert.ok(notes.connections - connections <= 2, `20 requests took ${notes.connections - connections} connections`);
    });
  });
}
