"use strict";

// Crier with TLS of its own: curl, and clients of both protocols over https and wss.

const assert = require("node:assert/strict");
const { execFile } = require("node:child_process");
const test = require("node:test");
const { certificate } = require("../certificate");
const { BOTH, ask, connect, next, open } = require("../client");
const { TARGET, freePort, logged, startProduct } = require("../target");

async function startSecure(t, env = {}) {
  const { cert, key } = certificate();
  const server = await startProduct({ CRIER_TLS_CERT: cert, CRIER_TLS_KEY: key, ...env });
  t.after(() => server.stop());
  return { ...server, plain: server.url, url: server.url.replace("http:", "https:"), cert };
}

const curl = (...args) =>
  new Promise((resolve) => {
    execFile("curl", ["-sS", "-m", "10", ...args], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });

const promise = TARGET === "reference" ? (name) => test.skip(name) : test;

promise("curl gets the page over HTTP/2 and HTTP/1.1, and is told where plain HTTP goes", async (t) => {
  const redirect = await freePort();
  const server = await startSecure(t, { CRIER_REDIRECT_ADDR: `127.0.0.1:${redirect}` });
  for (const [flag, version] of [["--http2", "2"], ["--http1.1", "1.1"]]) {
    const { stdout, stderr } = await curl(flag, "--cacert", server.cert, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", server.url);
    assert.equal(stdout, `${version} 200`, stderr);
  }
  const followed = await curl("-L", "--cacert", server.cert, "-o", "/dev/null", "-w", "%{num_redirects} %{http_code}", `http://127.0.0.1:${redirect}/`);
  assert.equal(followed.stdout, "1 200", followed.stderr);
  const wrong = await curl("-i", server.plain);
  assert.match(wrong.stdout, /^HTTP\/1.1 308 .*Location: https:\/\/127.0.0.1:/s);
  const plain = await startProduct();
  t.after(() => plain.stop());
  const hello = await curl(plain.url.replace("http:", "https:"));
  assert.equal(hello.code, 35);
  assert.match(hello.stderr, /wrong version number/);
  await logged(plain, /a TLS client spoke to an address that is plain HTTP/);
});

promise("a client with an http URL is refused with words, and the log tells the operator", async (t) => {
  const server = await startSecure(t);
  const socket = open(t, { ...server, url: server.plain }, { version: "4.8.4", transport: "polling" });
  const error = await new Promise((resolve) => socket.once("connect_error", resolve));
  assert.equal(error.description, 403);
  await logged(server, /a client spoke plain HTTP to an address that speaks TLS/);
  const { stdout } = await curl(`${server.plain}/socket.io/?EIO=4&transport=polling`);
  assert.match(stdout, /must begin with https:\/\/127\.0\.0\.1:/);
});

for (const { version, transport } of BOTH) {
  promise(`client ${version} talks over ${transport} with TLS`, async (t) => {
    const server = await startSecure(t);
    const how = { version, transport, rejectUnauthorized: false };
    const [ann, bob] = [await connect(t, server, how), await connect(t, server, how)];
    await ask(ann, "f", "Ann");
    await ask(bob, "f", "Bob");
    const news = next(bob, "news");
    ann.send("hello over TLS");
    assert.equal((await news)[0], "hello over TLS");
  });
}
