"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load } = require("./browser");

// The link of a page at this address.
function at(page) {
  class Link {
    set href(value) {
      try { this.url = new URL(value, page); } catch (invalid) { this.url = null; this.text = value; }
    }
    get href() { return this.url ? this.url.href : this.text; }
    get hostname() { return this.url ? this.url.hostname : ""; }
  }
  return load(["dom", "playground/address"], { document: { documentElement: {}, createElement: () => new Link() } }).address;
}

test("an endpoint lies beside the page's folder, whatever is before it, and TLS stays TLS", () => {
  assert.strictEqual(at("http://host:3000/playground/").resolve("../ws/echo"), "ws://host:3000/ws/echo");
  assert.strictEqual(at("https://host/crier/playground/").resolve("../ws/echo"), "wss://host/crier/ws/echo");
});

test("a typed address keeps its scheme, port and path; a path gets the page's", () => {
  const { resolve } = at("http://host:3000/playground/");
  assert.strictEqual(resolve("ws://host:9527"), "ws://host:9527/");
  assert.strictEqual(resolve("WSS://host/a?b=c"), "wss://host/a?b=c");
  assert.strictEqual(resolve("http://host/a"), "ws://host/a");
  assert.strictEqual(resolve("/websocket"), "ws://host:3000/websocket");
});

test("nothing but WebSocket is an address", () => {
  const { resolve } = at("http://host:3000/playground/");
  for (const other of ["javascript:alert(1)", "ftp://host/", "data:text/html,x", "ws://", "ws://a b/"]) {
    assert.strictEqual(resolve(other), "", other);
  }
});

test("subprotocols are parted by commas and spaces", () => {
  const { list } = at("http://host/playground/");
  assert.deepStrictEqual([...list(" a, b  c,,d ")], ["a", "b", "c", "d"]);
  assert.deepStrictEqual([...list("  ")], []);
});
