"use strict";

// One run: clients of every kind talk while the plan goes wrong with the server and the lines; then everybody is brought
// back, the server is killed once more, and the checker compares what each client recorded with the feed.

const { mkdirSync } = require("node:fs");
const path = require("node:path");
const { check } = require("./checker");
const { Line } = require("./line");
const { KINDS } = require("./links");
const { makePlan } = require("./plan");
const { Random } = require("./random");
const { readFeed } = require("./reader");
const { Record, readRecord } = require("./record");
const { Server } = require("./server");
const { Speaker } = require("./speaker");
const { TARGET } = require("../target");

// How long everybody may take to come back, say the rest and hear it.
const QUIET_MS = 60_000;
const LOOK_MS = 50;
// A client says one message in this time, on average, and that many at once before some of the kills; less, if the run is so
// long that the feed would retire some: it holds 100,000 entries by default.
const EVERY_MS = 120;
const BURST = 20;
const MOST = 80_000;
// The reference garbles what clients before 2 say over polling.
const WORD = TARGET === "reference" ? "says:hello! " : "说:hello! ";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

// `kinds` are names of KINDS, one for each client; `spoilt` is {who, spoil}: a client and what is done to its line.
// The answer has the findings, the counts, and the folder with the records and the server's log.
async function soak({ ms, kinds, seed, folder, spoilt, env }) {
  mkdirSync(folder, { recursive: true });
  const run = { ms, seed, start: Date.now(), counts: {}, server: new Server({ folder, env }), clients: [], findings: [] };
  try {
    const feed = await carryOut(run, { kinds, folder, spoilt });
    return report(run, feed, folder);
  } finally {
    await dismiss(run);
    await run.server.stop();
  }
}

// The answer is the feed.
async function carryOut(run, { kinds, folder, spoilt }) {
  const { ms, seed } = run;
  const { server, lines } = makePlan({ seed, ms, clients: kinds.length });
  const pace = paceFor({ ms, clients: kinds.length, bursts: server.filter(({ burst }) => burst).length });
  await run.server.start();
  for (const index of kinds.keys()) await enter(run, { index, kinds, folder, spoilt, pace });
  await until(QUIET_MS, () => run.clients.every(({ speaker }) => speaker.entered));
  run.start = Date.now();
  await Promise.all([harmServer(run, server), harmLines(run, lines)]);
  await settle(run);
  await dismiss(run);
  return lastWords(run);
}

// How often a client speaks, and how many it says at once: each comes to half of what it may say at most.
function paceFor({ ms, clients, bursts }) {
  const most = Math.floor(MOST / clients);
  const size = Math.min(BURST, Math.floor(most / 2 / Math.max(1, bursts)));
  return { most, every: Math.max(EVERY_MS, (2 * ms) / most), size: Math.max(1, size) };
}

// A client with its line. Some ask for what was said before they came.
async function enter(run, { index, kinds, folder, spoilt, pace }) {
  const kind = kinds[index];
  const random = new Random(run.seed, `client ${index}`);
  const spoil = spoilt?.who === index ? spoilt.spoil : undefined;
  const line = await new Line({ port: () => run.server.port, spoil }).open();
  const record = new Record(path.join(folder, `${String(index).padStart(3, "0")} ${kind}.jsonl`), run.start);
  const history = random.chance(0.3) ? random.between(1, 50) : 0;
  const speaker = new Speaker({ seed: run.seed, index, kind, record, history, word: WORD, ...pace });
  run.clients.push({ speaker, line });
  speaker.start(KINDS[kind]({ url: `http://127.0.0.1:${line.port}`, speaker }));
}

async function harmServer({ start, server, clients }, plan) {
  for (const { at, what, burst, down } of plan) {
    await sleep(start + at - Date.now());
    if (burst) {
      for (const { speaker } of clients) speaker.burst();
      await sleep(down / 40); // some of it is on its way, some stored, some acknowledged
    }
    await server[what]();
    await sleep(down);
    await server.start();
  }
}

async function harmLines({ start, clients, counts }, plan) {
  for (const { at, what, who, ms } of plan) {
    await sleep(start + at - Date.now());
    const { speaker, line } = clients[who];
    speaker.record.note("done", { to: what, ms });
    counts[what] = (counts[what] || 0) + 1;
    (what === "leave" ? speaker.link : line)[what](ms);
  }
}

// Everybody comes back and brings to its end what it has begun. One last message for everybody shows that nothing
// comes twice behind the rest.
async function settle({ clients, findings, start, ms }) {
  await sleep(start + ms - Date.now());
  for (const { speaker } of clients) speaker.finish();
  if (!(await quiet(clients))) return findings.push(...unsettled(clients));
  clients[0].speaker.say();
  if (!(await quiet(clients))) findings.push(...unsettled(clients));
}

const quiet = (clients) => until(QUIET_MS, () => restless(clients).length === 0);

// Who has something open, or has not heard all that anybody knows to be in the feed.
function restless(clients) {
  const newest = Math.max(...clients.map(({ speaker }) => speaker.newest));
  return clients.filter(({ speaker }) => !speaker.quiet(newest));
}

const unsettled = (clients) =>
  restless(clients).map(({ speaker }) => ({
    law: "settled",
    who: speaker.name,
    text: `${QUIET_MS / 1000} s after the last harm it is not done: ${speaker.state()}`,
  }));

async function until(ms, holds) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(LOOK_MS)) if (holds()) return true;
  return holds();
}

async function dismiss({ clients }) {
  for (const { speaker } of clients) await speaker.stop();
  for (const { line } of clients) await line.close();
}

// The feed as a server tells it that knows nothing but the files.
async function lastWords({ server }) {
  await server.kill();
  await server.start();
  const feed = await readFeed(server.url);
  await server.drain();
  server.checkData();
  return feed;
}

function report({ clients, server, counts, findings, seed, start }, feed, folder) {
  const records = clients.map(({ speaker }) => ({ name: speaker.name, record: readRecord(speaker.record.path) }));
  return {
    seed,
    folder,
    seconds: Math.round((Date.now() - start) / 1000),
    findings: [...server.findings, ...findings, ...check({ feed, clients: records })],
    counts: { ...server.counts, ...counts, feed: feed.length },
    speakers: clients.map(({ speaker }) => ({ kind: speaker.kind, ...speaker.counts })),
  };
}

module.exports = { soak };
