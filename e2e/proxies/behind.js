"use strict";

// The product with the settings of deploy/proxies/crier.yaml, and a proxy in front of it.

const path = require("node:path");
const { serverFor } = require("../suite");
const { freePort, startProduct } = require("../target");
const { PROXIES, startProxy } = require("./start");

const SETTINGS = path.join(__dirname, "..", "..", "deploy", "proxies", "crier.yaml");

async function startBehind(env = {}, port = undefined) {
  return startProduct({ CRIER_CONFIG: SETTINGS, CRIER_METRICS_ADDR: `127.0.0.1:${await freePort()}`, ...env }, port);
}

// For the tests of a `describe`: {product, proxy}, whose fields are there once the tests run.
function behindProxy(name, env) {
  const product = serverFor(() => startBehind(env));
  const proxy = serverFor(() => startProxy(name, { upstream: product.port }));
  return { product, proxy };
}

module.exports = { PROXIES, behindProxy, startBehind };
