"use strict";

// Options of socket.io-client 4.8 that ask something of the server.

const assert = require("node:assert/strict");
const { ask, connect } = require("../client");
const { onCrier, registered, say } = require("../speakers");
const { serverFor } = require("../suite");
const { TARGET, startProduct } = require("../target");

const NEWEST = { version: "4.8.4" };
const ALLOWED = "https://page.example";

// A file without tests does not end as long as its servers run.
const crierFor = (env) => (TARGET === "reference" ? {} : serverFor(() => startProduct(env)));
const onePage = crierFor({ CRIER_TRANSPORTS: "polling", CRIER_ALLOWED_ORIGINS: ALLOWED });
const sockets = crierFor({ CRIER_TRANSPORTS: "websocket" });

for (const [server, given, taken] of [
  [onePage, ["websocket", "polling"], "polling"],
  [sockets, ["polling", "websocket"], "websocket"],
]) {
  onCrier(`tryAllTransports goes on with ${taken} where the other is switched off`, async (t) => {
    const socket = await connect(t, server, { ...NEWEST, transports: given, tryAllTransports: true });
    assert.equal(socket.io.engine.transport.name, taken);
    const [answer] = await ask(socket, "f", "Ann");
    assert.equal(answer.name, "Ann");
  });
}

onCrier("withCredentials is allowed to pages of allowed origins, and to no others", async (t) => {
  const extraHeaders = { origin: ALLOWED, cookie: "login=yes" };
  const socket = await registered(t, onePage, { ...NEWEST, transport: "polling", withCredentials: true, extraHeaders }, "Ann");
  assert.ok((await say(socket, "hello")).offset);
  for (const [origin, credentials] of [[ALLOWED, "true"], ["https://other.example", null]]) {
    const { headers } = await fetch(`${onePage.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    assert.equal(headers.get("access-control-allow-credentials"), credentials);
    assert.equal(headers.get("access-control-allow-origin"), credentials && origin);
  }
});
