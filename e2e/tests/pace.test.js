"use strict";

// Who says too much is slowed and loses nothing; who is told a lot of what it missed keeps nobody waiting.

const assert = require("node:assert/strict");
const { ask, connect, heard } = require("../client");
const { bothClients, offsets, registered, say, texts, upTo } = require("../speakers");
const { serverFor } = require("../suite");
const { TARGET, startProduct, within } = require("../target");

// The usual limits: 500 messages at once, then 20 in a second.
const BURST = 500;
const OVER = 40;
const MUCH = 20_000;

bothClients("a speaker who floods is slowed, and nothing of it is lost, doubled or swapped", async (t, how) => {
  const server = await startProduct();
  t.after(() => server.stop());
  const listener = await registered(t, server, { version: "4.8.4", transport: "websocket" }, "listener");
  const loud = await registered(t, server, how, "loud");
  for (const event of ["warning", "disconnect"]) loud.heard(event);
  const said = upTo(1, BURST + OVER);
  const began = Date.now();
  const answers = said.map((n) => ask(loud, "message", n));
  const all = within(20_000, Promise.all(answers), () => "not all is answered");
  await heard(listener, "news", BURST);
  // What others say does not wait behind it.
  const calm = await say(listener, "calm");
  assert.ok(calm.offset > 0);
  const given = (await all).map(([answer]) => answer.offset);
  const took = (Date.now() - began) / 1000;
  assert.ok(took > 0.8 * (OVER / 20), `it took ${took} s: it was not slowed`);
  assert.deepEqual(given, [...given].sort((a, b) => a - b));

  const news = await heard(listener, "news", said.length + 1);
  assert.deepEqual(texts(news).filter((data) => data !== "calm"), said);
  assert.deepEqual(offsets(news), upTo(news[0][1].offset, news[0][1].offset + said.length));
  assert.ok(calm.offset < given.at(-1), "another one waited until the flood was over");
  for (const event of ["warning", "disconnect"]) assert.deepEqual(loud.heard(event), [], event);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const [, waits] = metrics.match(/^crier_rate_waits_total\{who="speaker"\} (\d+)$/m);
  assert.ok(Number(waits) >= OVER / 2, `${waits} waits are counted`);
});

// Filled once for all tests, as fast as it goes: that is not what they are about.
const large = TARGET === "reference" ? {} : serverFor(async () => {
  const server = await startProduct({ CRIER_LIMITS: "trusted" });
  const cleanup = [];
  const speaker = await connect({ after: (f) => cleanup.push(f) }, server, { version: "4.8.4", transport: "websocket" });
  const text = "x".repeat(100);
  const answers = upTo(1, MUCH).map((n) => new Promise((resolve) => speaker.emit("message", { n, text }, resolve)));
  const [{ offset }] = await Promise.all(answers);
  cleanup.forEach((f) => f());
  return { ...server, base: offset - 1 };
});

bothClients("who is told a lot of what it missed is heard at once by others, and hears all in order", async (t, how) => {
  const listener = await registered(t, large, { version: "4.8.4", transport: "websocket" }, "listener");
  const late = await connect(t, large, how);
  const list = late.heard("news");
  const marks = upTo(1, 5).map((n) => `while catching up ${how.version} ${how.transport} ${n}`);
  const behind = [];
  listener.on("news", (data) => marks.includes(data) && behind.push(list.length));
  const registration = ask(late, "f", "late", { since: large.base });
  for (const mark of marks) late.emit("message", mark); // right behind, before anything is told
  const [answer] = await registration;
  assert.equal(answer.complete, true);
  assert.ok(answer.offset >= large.base + MUCH);
  const own = await heard(listener, "news", marks.length);
  assert.deepEqual(texts(own), marks);
  assert.ok(Math.max(...behind) < MUCH, `others heard it when ${behind} of ${MUCH} were told`);

  const last = own.at(-1)[1].offset;
  const news = await within(20_000, heard(late, "news", last - large.base), () => `only ${list.length} were told`);
  assert.deepEqual(offsets(news), upTo(large.base + 1, last));
  for (const [data, { offset }] of news.slice(0, MUCH)) assert.equal(data.n, offset - large.base);
  assert.deepEqual(texts(news).slice(-marks.length), marks);
});
