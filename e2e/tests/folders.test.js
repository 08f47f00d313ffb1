"use strict";

// The folder that holds what was said: a copy put back, a folder removed, a folder moved, and `crier feed` beside a Crier
// that uses it. Clients are told when something may be missing, and offsets are never given twice.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { ask, heard } = require("../client");
const { bothClients, offsets, onCrier, registered, say, texts, upTo } = require("../speakers");
const { command, dataFolder, startProduct } = require("../target");

const WS = { version: "4.8.4", transport: "websocket" };
const copy = (from, to) => fs.cpSync(from, to, { recursive: true, preserveTimestamps: true });

// A server on a folder, which can be stopped, have something done to its folder, and be started again.
async function keeper(t) {
  const folder = path.join(dataFolder(), "data");
  const self = { folder, server: await startProduct({ CRIER_DATA: folder }) };
  t.after(() => self.server.stop());
  self.stopped = async (meanwhile) => {
    await self.server.stop();
    await meanwhile();
    self.server = await startProduct({ CRIER_DATA: folder }, self.server.port);
  };
  return self;
}

// Says these and answers with the offset of the last.
async function says(t, server, how, ...all) {
  const speaker = await registered(t, server, how, "speaker");
  let offset;
  for (const data of all) ({ offset } = await say(speaker, data));
  speaker.close();
  return offset;
}

bothClients("a backup that was put back is not complete, for clients that know more and for those that know less", async (t, how) => {
  const k = await keeper(t);
  const early = await says(t, k.server, how, "one", "two");
  const old = path.join(dataFolder(), "backup");
  await k.stopped(() => copy(k.folder, old));
  const known = await says(t, k.server, how, "three", "four");
  assert.equal(known, early + 2, "a plain restart goes on counting");
  await k.stopped(() => {
    fs.rmSync(k.folder, { recursive: true });
    copy(old, k.folder);
  });

  for (const since of [known, early, early - 1]) {
    const client = await registered(t, k.server, how, `since ${since - early}`, { since });
    assert.equal(client.answer.complete, false, `since ${since - early}`);
    assert.ok(client.answer.next !== undefined, "it is not told where the news begin");
    client.close();
  }
  assert.match(k.server.log(), /"messages":2,/, "the start tells how many are held");
  const reader = await registered(t, k.server, how, "reader");
  const [{ entries }] = await ask(reader, "history", {});
  assert.deepEqual(entries.map(({ data }) => data), ["one", "two"], "what the backup holds");
  const next = await say(reader, "five");
  assert.ok(next.offset > known, "an offset was given twice");
  const after = await registered(t, k.server, how, "after", { since: next.offset - 1 });
  assert.deepEqual([after.answer.complete, texts(await heard(after, "news", 1))], [true, ["five"]]);
});

bothClients("after a folder was removed nothing is complete for who knows of it, and a new feed is for who knows nothing", async (t, how) => {
  const k = await keeper(t);
  const known = await says(t, k.server, how, "one", "two");
  await k.stopped(() => fs.rmSync(k.folder, { recursive: true }));
  for (const since of [known, known - 1]) {
    const client = await registered(t, k.server, how, `since ${since - known}`, { since });
    assert.equal(client.answer.complete, false);
    client.close();
  }
  const next = await says(t, k.server, how, "three");
  assert.ok(next > known, "an offset was given twice");
  const newcomer = await registered(t, k.server, how, "newcomer", { since: 0 });
  assert.equal(newcomer.answer.complete, true);
  assert.deepEqual(texts(await heard(newcomer, "news", 1)), ["three"]);
  const regular = await registered(t, k.server, how, "regular", { since: known });
  assert.equal(regular.answer.complete, false);
  assert.equal(regular.answer.next, next);
  assert.deepEqual(offsets(await heard(regular, "news", 1)), [next]);
});

bothClients("a folder that was moved whole, and is declared so, goes on; undeclared it is a copy", async (t, how) => {
  for (const declared of [true, false]) {
    const k = await keeper(t);
    const known = await says(t, k.server, how, "one", "two");
    await k.stopped(async () => {
      const elsewhere = path.join(dataFolder(), "elsewhere");
      copy(k.folder, elsewhere);
      fs.rmSync(k.folder, { recursive: true });
      copy(elsewhere, k.folder); // another file system's files, as a move across disks leaves them
      if (declared) assert.equal((await command("feed", "moved", k.folder)).code, 0);
    });
    const client = await registered(t, k.server, how, "client", { since: known });
    assert.equal(client.answer.complete, declared);
    const next = await say(client, "three");
    assert.ok(declared ? next.offset === known + 1 : next.offset > known + 1, `${next.offset} follows ${known}`);
  }
});

onCrier("crier feed checks, exports and backs up a folder in use, and declares none moved", async (t) => {
  const k = await keeper(t);
  const speaker = await registered(t, k.server, WS, "Ann", { secret: "a secret of Ann's" });
  const base = speaker.answer.offset;
  for (const n of upTo(1, 100)) await say(speaker, { n, text: "说" }, { id: n });
  await say(speaker, Buffer.from([1, 2, 3]));
  let stop = false;
  const talking = (async () => {
    for (let n = 0; !stop; n++) await say(speaker, `meanwhile ${n}`);
  })();

  const checked = await command("feed", "check", k.folder);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  assert.match(checked.stdout, /these are the files that were written last/);
  assert.match(checked.stdout, /All is whole/);

  const exported = await command("feed", "export", k.folder);
  assert.equal(exported.code, 0, exported.stderr);
  const lines = exported.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length >= 101);
  assert.deepEqual(lines.map(({ offset }) => offset), upTo(base + 1, base + lines.length));
  assert.deepEqual(lines.slice(0, 100).map(({ data, from }) => [data, from]), upTo(1, 100).map((n) => [{ n, text: "说" }, "Ann"]));
  assert.deepEqual(lines[100].attachments, ["AQID"]);
  assert.ok(!exported.stdout.includes("secret"), "it tells the secret");

  const to = path.join(dataFolder(), "backup");
  const known = await say(speaker, "the last before the backup");
  const saved = await command("feed", "backup", k.folder, to);
  assert.equal(saved.code, 0, saved.stderr);
  assert.notEqual((await command("feed", "backup", k.folder, to)).code, 0, "it wrote over a backup");

  const moved = await command("feed", "moved", k.folder);
  assert.equal(moved.code, 1, moved.stdout);
  assert.match(moved.stderr, /in use|uses/);
  stop = true;
  await talking;

  const second = await startProduct({ CRIER_DATA: to });
  t.after(() => second.stop());
  const reader = await registered(t, second, WS, "reader", { since: base });
  assert.equal(reader.answer.complete, false, "a backup begins a new life");
  const [{ entries }] = await ask(reader, "history", { before: known.offset + 1, limit: 1 });
  assert.deepEqual(entries.map(({ offset, data }) => [offset, data]), [[known.offset, "the last before the backup"]]);
  const again = await registered(t, second, WS, "Ann", { secret: "a secret of Ann's" });
  assert.equal((await say(again, { n: 7, text: "说" }, { id: 7 })).offset, base + 7, "the backup knows the ids");
});

onCrier("crier feed tells wrong use and a folder that holds nothing", async () => {
  for (const [words, code] of [[["feed"], 0], [["feed", "check"], 2], [["feed", "mend", "x"], 2], [["feed", "check", "/nowhere/at/all"], 1]]) {
    const did = await command(...words);
    assert.equal(did.code, code, words.join(" "));
    assert.ok(did.stdout + did.stderr, words.join(" "));
  }
});
