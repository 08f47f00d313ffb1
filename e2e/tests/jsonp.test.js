"use strict";

// JSONP: payloads inside a script that any page may load, and forms that it may post.

const assert = require("node:assert/strict");
const vm = require("node:vm");
const { Polling, decodeText, encode, request } = require("../raw");
const { assertGone, bothVersions, promise, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());

// What the page's callback with this index is called with when the script runs.
function run(script, index) {
  const heard = [];
  const callbacks = [];
  callbacks[index] = (payload) => heard.push(payload);
  vm.runInNewContext(script, { ___eio: callbacks });
  assert.equal(heard.length, 1, `not one call: ${script}`);
  return heard[0];
}

// The form that a page posts: line feeds escaped, as the clients do it.
const form = (payload) => new URLSearchParams({ d: payload.replace(/\\n/g, "\\\\n").replace(/\n/g, "\\n") }).toString();

class Scripts {
  static async join(eio) {
    const scripts = new Scripts();
    Object.assign(scripts, {
      server: lab,
      eio,
      query: { EIO: eio, transport: "polling", j: "7", b64: eio === 3 ? 1 : undefined },
    });
    const opening = scripts.packets(await scripts.get());
    scripts.query.sid = JSON.parse(opening[0].slice(1)).sid;
    if (eio === 4) await scripts.post("40");
    await scripts.until('42["hello"');
    return scripts;
  }

  async get() {
    const answer = await request(lab, { query: this.query });
    assert.equal(answer.status, 200);
    const sniffed =
      answer.headers["x-content-type-options"] !== "nosniff" || /javascript/.test(answer.headers["content-type"]);
    assert.ok(sniffed, "a browser would not run this script");
    return answer.body;
  }

  packets(script) {
    return decodeText(this.eio, run(script, 7));
  }

  async post(...packets) {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const answer = await request(lab, {
      method: "POST",
      query: this.query,
      headers,
      body: form(encode(this.eio, packets)),
    });
    assert.deepEqual([answer.status, answer.body], [200, "ok"]);
  }

  async until(start) {
    for (;;) {
      const found = this.packets(await this.get()).find((packet) => packet.startsWith(start));
      if (found) return found;
    }
  }
}

bothVersions("events travel in scripts and forms", async (t, eio) => {
  const page = await Scripts.join(eio);
  await page.post('42["echo","text"]');
  assert.equal(await page.until('42["echo"'), '42["echo","text"]');
});

const TEXTS = [
  "line\nfeed",
  "back\\slash",
  "both \\n and \n",
  '"quotes" & ampersand = +',
  "说 € \u{1F600}",
  "\u2028 and \u2029",
  "</script><!--",
];

bothVersions("text that forms and scripts could harm comes back unharmed", async (t, eio) => {
  const page = await Scripts.join(eio);
  for (const text of TEXTS) {
    await page.post(`42${JSON.stringify(["echo", text])}`);
    const packet = await page.until('42["echo"');
    assert.deepEqual(JSON.parse(packet.slice(2)), ["echo", text]);
  }
});

bothVersions("line and paragraph separators are escaped, for engines older than ES2019", async (t, eio) => {
  const page = await Scripts.join(eio);
  await page.post('42["echo","\u2028\u2029"]');
  const script = await page.get();
  assert.doesNotMatch(script, /[\u2028\u2029]/);
});

promise("only digits of the callback's index come back", async () => {
  for (const [j, index] of [
    ["0", "0"],
    ["42", "42"],
    ["1];alert(1)//", "11"],
    ["<script>", ""],
    ["", ""],
  ]) {
    const { status, body } = await request(lab, { query: { EIO: 4, transport: "polling", j } });
    assert.equal(status, 200);
    assert.ok(body.startsWith(`___eio[${index}]("`), body);
    assert.ok(body.endsWith(");"), body);
  }
});

bothVersions("a form that holds no payload closes the session", async (t, eio) => {
  const page = await Scripts.join(eio);
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  await request(lab, { method: "POST", query: page.query, headers, body: form("nonsense") }).catch(() => {});
  await assertGone(Object.assign(new Polling(), { server: lab, query: page.query }));
});
