"use strict";

// `crier doctor` finds what is wrong with real proxies, and nothing where they are as deploy/proxies has them.

const assert = require("node:assert/strict");
const { execFile } = require("node:child_process");
const path = require("node:path");
const { describe, test } = require("node:test");
const { freePort, startProduct } = require("../target");
const { PROXIES, startBehind } = require("./behind");
const { certificate, startProxy } = require("./start");

const TEST_MS = 60_000;
const ROOT = path.join(__dirname, "..", "..");
const CRIER = process.env.E2E_BIN || path.join(ROOT, "bin", "crier");
const QUICK = ["--idle", "0"];

// Runs the doctor and answers with its report. The proxies' certificate is one that this machine trusts.
function doctor(url, ...flags) {
  const env = { PATH: process.env.PATH, SSL_CERT_FILE: path.join(certificate().folder, "cert.pem") };
  return new Promise((resolve, reject) => {
    execFile(CRIER, ["doctor", url, "--json", ...flags], { env, timeout: TEST_MS }, (error, stdout, stderr) => {
      if (!stdout) return reject(error || new Error(stderr));
      resolve({ code: error ? error.code : 0, ...JSON.parse(stdout) });
    });
  });
}

const wrong = (report) => report.checks.filter(({ status }) => status === "warning" || status === "fault");

// The named checks have found a fault, and say this; all others have not.
function assertFaults(report, expected) {
  assert.deepEqual(new Set(wrong(report).map(({ check }) => check)), new Set(Object.keys(expected)), JSON.stringify(wrong(report), null, 2));
  for (const { check, status, seen, change } of wrong(report)) {
    assert.equal(status, "fault");
    assert.match([seen, ...change].join("\n"), expected[check]);
  }
  assert.equal(report.code, Object.keys(expected).length ? 1 : 0);
}

function promise(name, body, options = {}) {
  test(name, { timeout: TEST_MS, ...options }, body);
}

// A Crier behind a proxy, for one test.
async function behind(t, name, edit) {
  const product = await startBehind();
  t.after(() => product.stop());
  const proxy = await startProxy(name, { upstream: product.port, edit });
  t.after(() => proxy.stop());
  return proxy;
}

for (const name of PROXIES) {
  promise(`${name} as deploy/proxies has it has no fault`, async (t) => {
    const proxy = await behind(t, name);
    const report = await doctor(proxy.url, ...QUICK);
    assertFaults(report, {});
    assert.equal(report.server, "crier");
    assert.equal(report.checks.find(({ check }) => check === "tls").status, "ok");
  });
}

// Replaces what a proxy's file has, which must be there.
const replacing = (...pairs) => (text) =>
  pairs.reduce((text, [from, to]) => {
    assert.match(text, from);
    return text.replace(from, to);
  }, text);

const MISTAKES = [
  {
    name: "nginx drops Upgrade",
    edit: replacing([/proxy_set_header Upgrade .*\n/, ""], [/proxy_set_header Connection .*\n/, 'proxy_set_header Connection "";\n']),
    faults: { websocket: /proxy_set_header Upgrade \$http_upgrade/, upgrade: /proxy_set_header Upgrade \$http_upgrade/ },
  },
  {
    name: "nginx sends its own Host",
    edit: replacing([/proxy_set_header Host .*\n/, ""], [/proxy_set_header X-Forwarded-Host .*\n/, ""]),
    faults: { "own-page": /Host is crier[^]*proxy_set_header Host \$http_host/ },
  },
  {
    name: "nginx takes small bodies alone",
    edit: replacing([/client_max_body_size .*\n/, "client_max_body_size 1k;\n"]),
    faults: { "body-size": /413 [^]*nginx[^]*client_max_body_size 977k/ },
  },
  {
    name: "nginx passes on the X-Forwarded-For of clients",
    edit: replacing([/proxy_set_header X-Forwarded-For .*\n/, ""]),
    faults: { address: /claim any address[^]*\$proxy_add_x_forwarded_for/ },
  },
  {
    name: "nginx takes X-Forwarded-For away",
    edit: replacing([/proxy_set_header X-Forwarded-For .*\n/, "proxy_set_header X-Forwarded-For '';\n"]),
    faults: { address: /all clients look like the proxy[^]*\$proxy_add_x_forwarded_for/ },
  },
  {
    name: "nginx cuts what is quiet for five seconds",
    edit: replacing([/proxy_read_timeout .*\n/, "proxy_read_timeout 5s;\n"]),
    faults: { "quiet-poll": /cut after 5[^]*504[^]*proxy_read_timeout/, "quiet-socket": /cut after 5[^]*proxy_read_timeout/ },
    flags: [],
  },
  {
    name: "nginx refuses nothing, but lets requests of a session wait",
    edit: replacing(
      [/upstream crier/, "map $arg_sid $slowly { default $binary_remote_addr; '' ''; }\nlimit_req_zone $slowly zone=slowly:1m rate=30r/m;\n$&"],
      [/proxy_http_version/, "limit_req zone=slowly burst=100;\n    $&"],
    ),
    only: { delay: /switch off its buffering/ },
  },
  {
    name: "nginx has no server behind it",
    edit: replacing([/server 127.0.0.1:3000;/, "server 127.0.0.1:1;"], [/location \/ {/, "# 127.0.0.1:3000\n    $&"]),
    faults: { server: /502 [^]*nginx[^]*proxy_pass/ },
  },
  {
    name: "haproxy cuts what is quiet for five seconds",
    proxy: "haproxy",
    edit: replacing([/timeout server .*\n/, "timeout server 5s\n"], [/timeout tunnel .*\n/, "timeout tunnel 5s\n"]),
    faults: { "quiet-poll": /cut after 5[^]*504/, "quiet-socket": /cut after 5/ },
    flags: [],
  },
  {
    name: "haproxy takes small bodies alone",
    proxy: "haproxy",
    edit: replacing([/body_size gt 1000000/, "body_size gt 1000"]),
    // It answers without having read the body: the client may see a reset in the place of the 413.
    faults: { "body-size": /a POST of 1000000 bytes[^]*(413 |reset[^]*413)/ },
  },
  {
    name: "haproxy adds no X-Forwarded-For",
    proxy: "haproxy",
    edit: replacing([/option forwardfor/, "http-request del-header X-Forwarded-For"]),
    faults: { address: /all clients look like the proxy[^]*option forwardfor/ },
  },
];

const LONG = process.env.E2E_CLIENTS === "few" ? "not in the short form" : false;

describe("a proxy's mistake is found, with what to change", { concurrency: 2, skip: LONG }, () => {
  for (const { name, proxy = "nginx", edit, faults, only = {}, flags = QUICK } of MISTAKES) {
    promise(name, async (t) => {
      const report = await doctor((await behind(t, proxy, edit)).url, ...flags);
      if (faults) return assertFaults(report, faults);
      for (const [check, words] of Object.entries(only)) {
        const { status, seen, change } = report.checks.find((found) => found.check === check);
        assert.equal(status, "fault", seen);
        assert.match([seen, ...change].join("\n"), words);
      }
    });
  }

  for (const [name, from, to] of [
    ["nginx", /server 127.0.0.1:3000;/, (port) => `server 127.0.0.1:${port};\n    $&`],
    ["haproxy", /server crier 127/, (port) => `balance roundrobin\n    server other 127.0.0.1:${port}\n    $&`],
  ]) {
    promise(`${name} has two servers, in turn`, async (t) => {
      const other = await startBehind();
      t.after(() => other.stop());
      const report = await doctor((await behind(t, name, replacing([from, to(other.port)]))).url, ...QUICK);
      assert.equal(report.code, 1);
      assert.match(report.checks.find(({ check }) => check === "servers").seen, /2 Criers answer/);
    });
  }
});

promise("npm's socket.io has no fault, and what only Crier tells is skipped", async (t) => {
  const port = await freePort();
  const reference = await startProduct({}, port, [process.execPath, path.join(__dirname, "..", "servers", "reference.js")]);
  t.after(() => reference.stop());
  const report = await doctor(reference.url, ...QUICK);
  assertFaults(report, {});
  assert.equal(report.server, "socket.io");
  const skipped = report.checks.filter(({ status }) => status === "skipped").map(({ check }) => check);
  assert.deepEqual(skipped, ["tls", "hosts", "address", "metrics", "quiet-poll", "quiet-socket"]);
});
