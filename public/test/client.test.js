"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load } = require("./browser");

const modern = { XMLHttpRequest: function () { this.withCredentials = false; }, Uint8Array, WebSocket: function () {}, Promise };

// Loads client.js in a browser that has these features; bundles that "run" define window.io.
function start(features, search, runs) {
  const loaded = [];
  let ready = null;
  const page = Object.assign({
    location: { search: search || "" },
    setTimeout: (run) => run(),
    document: {
      readyState: "complete",
      documentElement: { getAttribute: () => "chat/" },
      createElement: () => ({ get pathname() { return new URL(this.href, "http://h/below/").pathname; } }),
      body: { appendChild: (script) => {
        loaded.push(script.src);
        if (runs(script.src)) { page.io = script.src; }
        script.onload();
      } }
    }
  }, features);
  load(["dom", "client"], page).client.load((io, options) => { ready = { io, options: Object.assign({}, options) }; });
  return { loaded, io: ready.io, options: ready.options };
}

const without = (...keys) => Object.fromEntries(Object.entries(modern).filter(([key]) => !keys.includes(key)));
const always = () => true;

test("the bundle is chosen by what the browser can do", () => {
  const old = "chat/2/socket.io.js";
  const newest = "chat/socket.io.min.js";
  assert.deepStrictEqual(start(modern, "", always).loaded, [newest]);
  assert.deepStrictEqual(start(without("WebSocket"), "", always).loaded, [newest], "WebSocket switched off");
  assert.deepStrictEqual(start(without("WebSocket", "Promise"), "", always).loaded, [old]);
  assert.deepStrictEqual(start(without("XMLHttpRequest"), "", always).loaded, [old]);
  assert.deepStrictEqual(start(Object.assign({}, modern, { XMLHttpRequest: function () {} }), "", always).loaded, [old]);
});

test("the query chooses client and transport, and nothing else", () => {
  const options = (search) => start(modern, search, always).options;
  assert.deepStrictEqual(start(modern, "?client=2", always).loaded, ["chat/2/socket.io.js"]);
  assert.deepStrictEqual(start({}, "?client=4", always).loaded, ["chat/socket.io.min.js"]);
  assert.deepStrictEqual(start(modern, "?client=3", always).loaded, ["chat/socket.io.min.js"]);
  assert.strictEqual(JSON.stringify(options("?a=b&transport=polling")), '{"path":"/below/chat/","reconnection":false,"transports":["polling"]}');
  assert.strictEqual(options("?transport=//evil").transports, undefined);
  const jsonp = start(modern, "?transport=jsonp&client=4", always);
  assert.deepStrictEqual(jsonp.loaded, ["chat/2/socket.io.js"]);
  assert.strictEqual(jsonp.options.forceJSONP, true);
});

test("a bundle that does not run gives way to the older one, and then to nothing", () => {
  const half = start(modern, "", (url) => url.includes("/2/"));
  assert.deepStrictEqual(half.loaded, ["chat/socket.io.min.js", "chat/2/socket.io.js"]);
  assert.strictEqual(half.io, "chat/2/socket.io.js");
  assert.strictEqual(start(modern, "", () => false).io, undefined);
});
