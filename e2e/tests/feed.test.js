"use strict";

// Nothing is lost: what was acknowledged is there after a crash, what was missed comes once and in order, and what is said
// again with its id is heard once. The reference has no feed.

const assert = require("node:assert/strict");
const net = require("node:net");
const { ask, heard, open } = require("../client");
const { eachClient, offsets, onCrier, registered, upTo } = require("../speakers");
const { dataFolder, startProduct, within } = require("../target");

// Offsets begin anywhere; `base` is the newest that was given before anything was said.
eachClient("what was missed comes behind the answer, once, in order, and then what is newer", async (t, how) => {
  const server = await startProduct();
  t.after(() => server.stop());
  const speaker = await registered(t, server, how, "speaker");
  const base = speaker.answer.offset;
  for (const n of upTo(1, 30)) {
    const [{ offset }] = await ask(speaker, "message", { n, binary: Buffer.from([n]) });
    assert.equal(offset, base + n);
  }
  const late = await registered(t, server, how, "late", { since: base + 10 });
  assert.equal(late.answer.complete, true);
  assert.equal(late.answer.first, base + 1);
  assert.equal(late.answer.offset, base + 30);
  speaker.send({ n: 31, binary: Buffer.from([31]) });
  const news = await heard(late, "news", 21);
  assert.deepEqual(offsets(news), upTo(base + 11, base + 31));
  for (const [data, meta] of news) {
    assert.equal(base + data.n, meta.offset);
    assert.deepEqual([...Buffer.from(data.binary)], [data.n]);
  }
  const last = await registered(t, server, how, "last", { history: 3 });
  assert.deepEqual(offsets(await heard(last, "news", 3)), [base + 29, base + 30, base + 31]);
  const [page] = await ask(last, "history", { before: base + 20, limit: 4 });
  assert.deepEqual(page.entries.map(({ data }) => data.n), [16, 17, 18, 19]);
  assert.deepEqual([...Buffer.from(page.entries[0].data.binary)], [16]);
  const [all] = await ask(last, "history", { limit: 100 });
  assert.equal(all.entries.length, 10, "a client takes ten attachments at once");
});

eachClient("a killed server has lost nothing that it acknowledged", async (t, how) => {
  const CRIER_DATA = dataFolder();
  let server = await startProduct({ CRIER_DATA });
  t.after(() => server.stop());
  let last = 0;
  for (const life of [1, 2, 3]) {
    const listener = await registered(t, server, how, "listener", { since: last });
    assert.equal(listener.answer.complete, true, `in life ${life}`);
    if (life === 1) last = listener.answer.offset; // nothing was said yet
    const speaker = await registered(t, server, how, "speaker");
    const acked = [];
    for (const n of upTo(1, 20)) acked.push(ask(speaker, "message", `${life}.${n}`, { id: `${life}.${n}` }));
    const answers = (await Promise.all(acked)).map(([answer]) => answer.offset);
    for (const n of upTo(21, 200)) speaker.emit("message", `${life}.${n}`); // in flight when it dies
    await server.kill();
    server = await startProduct({ CRIER_DATA }, server.port);
    const reader = await registered(t, server, how, "reader", { since: last });
    const news = await heard(reader, "news", reader.answer.offset - last);
    assert.deepEqual(offsets(news), upTo(last + 1, reader.answer.offset));
    const said = new Map(news.map(([data, meta]) => [meta.offset, data]));
    assert.deepEqual(answers.map((offset) => said.get(offset)), upTo(1, 20).map((n) => `${life}.${n}`));
    assert.deepEqual(answers, upTo(last + 1, last + 20));
    const again = await registered(t, server, how, "speaker");
    const [answer] = await ask(again, "message", `${life}.7`, { id: `${life}.7` });
    assert.equal(answer.offset, answers[6]);
    last = reader.answer.offset;
  }
});

// A line to a server that, while it is deaf, is cut by the next answer with an offset: the client never hears it.
async function cutter(t, port) {
  const pairs = new Set();
  const line = { deaf: false };
  const listener = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    const pair = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.on("data", (data) => {
      if (!line.deaf || !/"offset"/.test(data.toString("latin1"))) return near.write(data);
      line.deaf = false;
      line.cut();
      line.missed?.();
    });
    for (const end of pair) end.on("error", () => {}).on("close", () => (pair.forEach((e) => e.destroy()), pairs.delete(pair)));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  line.cut = () => pairs.forEach((pair) => pair.forEach((end) => end.destroy()));
  t.after(() => (line.cut(), listener.close()));
  return Object.assign(line, { url: `http://127.0.0.1:${listener.address().port}` });
}

// The page registers when it hears "connect", which is after the client has sent again what got no answer: so the
// handshake tells the name, too.
for (const crash of [false, true])
    onCrier(`the retries of 4.x are heard once when ${crash ? "the server dies" : "the line is cut"} before the answer`, async (t) => {
      const version = "4.8.4";
      const CRIER_DATA = dataFolder();
      let server = await startProduct({ CRIER_DATA });
      t.after(() => server.stop());
      const line = await cutter(t, server.port);
      const restart = async () => {
        await server.kill();
        server = await startProduct({ CRIER_DATA }, server.port);
      };
      const socket = open(t, line, {
        version, transport: "websocket", reconnection: true, reconnectionDelay: 20, auth: { name: "Ann" }, ackTimeout: 1000, retries: 10,
      });
      const joined = new Promise((resolve) => socket.on("connect", () => socket.emit("f", "Ann", (error, answer) => resolve(answer))));
      const { offset: base } = await within(5000, joined, () => "it does not register");
      for (const n of upTo(1, 10)) {
        line.deaf = true;
        line.missed = crash && n % 5 === 0 ? restart : undefined;
        const [error, answer] = await within(8000, new Promise((resolve) => socket.emit("message", n, { id: n }, (...all) => resolve(all))), () => `no answer to ${n}`);
        assert.equal(error, null);
        assert.equal(answer.offset, base + n);
      }
      const reader = await registered(t, server, { version, transport: "websocket" }, "reader", { since: 0 });
      const news = await heard(reader, "news", 10);
      assert.deepEqual(news.map(([data, { from, offset }]) => [data, from, offset]), upTo(1, 10).map((n) => [n, "Ann", base + n]));
      assert.equal(reader.answer.offset, base + 10);
    });

