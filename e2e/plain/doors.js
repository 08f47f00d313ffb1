"use strict";

// Crier with each plain endpoint on a port of its own, beside the routes.

const { test } = require("node:test");
const { TARGET, againIfTaken, freePort, startProduct } = require("../target");
const { LIBRARIES, open } = require("./clients");

const TEST_MS = 20_000;
const ENDPOINTS = ["echo", "hello", "chat", "news"];

// A server whose addresses are in `at`: at.echo is the route's, at.echoPort that of the port of its own.
const startDoors = (env = {}) => againIfTaken(() => openDoors(env));

async function openDoors(env) {
  const ports = await Promise.all(ENDPOINTS.map(freePort));
  const addresses = ENDPOINTS.map((name, i) => [`CRIER_${name.toUpperCase()}_ADDR`, `127.0.0.1:${ports[i]}`]);
  const server = await startProduct({ ...Object.fromEntries(addresses), ...env });
  const at = { websocket: `ws://127.0.0.1:${server.port}/websocket` };
  ENDPOINTS.forEach((name, i) => {
    at[name] = `ws://127.0.0.1:${server.port}/ws/${name}`;
    at[`${name}Port`] = `ws://127.0.0.1:${ports[i]}`;
  });
  return { ...server, at };
}

// One body per promise, run with each library; `connect` opens an address with it.
function everyLibrary(promise, body) {
  for (const library of LIBRARIES) {
    const skip = TARGET === "reference" && "the reference has no plain WebSocket";
    test(`${promise} (${library})`, { timeout: TEST_MS, skip }, (t) => body(t, (url, options) => open(t, library, url, options)));
  }
}

module.exports = { everyLibrary, startDoors };
