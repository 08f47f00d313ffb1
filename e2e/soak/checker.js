"use strict";

// The laws, over what the clients recorded and the feed that was read at the end. Nothing here knows how a run is made.
//
//   feed      [{offset, from, id, at, data}], growing; data as record.js's brief has it
//   clients   [{name, record}]; every one was brought back and given time before the end
//
// The answer is a list of findings: {law, who, text}; none means that all laws held.

const MOST = 5; // of one law for one client are told one by one; the rest only say the same

// Numbers tell messages of one speaker apart, whatever the server made of their ids.
const numberOf = ({ data }) => (Array.isArray(data) && Number.isInteger(data[1]) ? data[1] : undefined);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function check({ feed, clients }) {
  const findings = new Findings();
  const byOffset = new Map(feed.map((entry) => [entry.offset, entry]));
  const owners = ownersOf(clients);
  checkFeed(feed, clients, findings);
  for (const client of clients) {
    const view = { client, feed, byOffset, owners, find: (law, text) => findings.add(law, client.name, text) };
    checkAcks(view);
    checkOrder(view);
    checkDeclined(view);
    checkAnswers(view);
    checkHeard(view);
  }
  return findings.all();
}

class Findings {
  #counts = new Map();
  #list = [];

  add(law, who, text) {
    const key = `${law}\n${who}`;
    const count = (this.#counts.get(key) || 0) + 1;
    this.#counts.set(key, count);
    if (count <= MOST) this.#list.push({ law, who, text });
  }

  all() {
    const more = [...this.#counts].filter(([, count]) => count > MOST);
    return [...this.#list, ...more.map(([key, count]) => rest(...key.split("\n"), count - MOST))];
  }
}

const rest = (law, who, count) => ({ law, who, text: `and ${count} more like these` });

// Law "feed": offsets without a gap, and nothing that nobody said. Law "once": no message stands in it twice.
function checkFeed(feed, clients, findings) {
  const names = new Set(clients.map(({ name }) => name));
  const seen = new Map();
  for (const [i, entry] of feed.entries()) {
    const { offset, from } = entry;
    const find = (law, text) => findings.add(law, from || "nobody", text);
    if (i > 0 && offset !== feed[i - 1].offset + 1) find("feed", `offset ${offset} follows ${feed[i - 1].offset}`);
    const n = numberOf(entry);
    if (n === undefined || !names.has(entry.data[0])) find("feed", `nobody said what is at ${offset}: ${show(entry.data)}`);
    else if (entry.data[0] !== from) find("feed", `at ${offset} "${from}" says what ${entry.data[0]} said (number ${n})`);
    const key = `${from}\n${n}`;
    if (seen.has(key)) find("once", `number ${n} is in the feed at ${seen.get(key)} and again at ${offset}`);
    else seen.set(key, offset);
  }
}

// Whose each id is, by the answers to f. One who spoke and was cut off before that answer never learnt its own.
const ownersOf = (clients) =>
  new Map(clients.flatMap(({ name, record }) => record.filter(({ what }) => what === "registered").map(({ id }) => [id, name])));

// Law "acked": what was acknowledged is in the feed where the acknowledgement says, as it was said and by who said it.
function checkAcks({ client, byOffset, owners, find }) {
  const said = new Map();
  const acks = new Map();
  for (const line of client.record) {
    if (line.what === "said" && !line.again) said.set(line.n, line.data);
    if (line.what !== "acked") continue;
    acks.set(line.n, line.offset);
    const entry = byOffset.get(line.offset);
    const what = `number ${line.n} was acknowledged with offset ${line.offset} for ${line.at}`;
    const owner = owners.get(entry?.id) ?? client.name;
    if (!entry) find("acked", `${what}, and the feed does not have it`);
    else if (entry.from !== client.name || !same(entry.data, said.get(line.n)) || entry.at !== line.at)
      find("acked", `${what}, and there is ${told(entry)}`);
    else if (owner !== client.name) find("acked", `${what}, and stands under ${entry.id}, which is the id of ${owner}`);
  }
  for (const n of said.keys()) if (!acks.has(n)) find("acked", `number ${n} was never acknowledged`);
}

// Law "order": a speaker's messages are in the feed as it said them. What was declined and said again may stand later.
function checkOrder({ client, feed, find }) {
  const late = new Set(client.record.filter(({ what }) => what === "declined").map(({ n }) => n));
  let highest = -1;
  for (const entry of feed) {
    const n = numberOf(entry);
    if (entry.from !== client.name || late.has(n)) continue;
    if (n < highest) find("order", `number ${n} is in the feed (${entry.offset}) after number ${highest}`);
    highest = Math.max(highest, n);
  }
}

// Law "declined": what was answered with an error is not in the feed, unless it was said again afterwards.
function checkDeclined({ client, feed, find }) {
  const open = new Map();
  for (const { what, n, code } of client.record) {
    if (what === "declined") open.set(n, code);
    if (what === "said") open.delete(n);
  }
  if (open.size === 0) return;
  for (const entry of feed) {
    const n = numberOf(entry);
    if (entry.from !== client.name || !open.has(n)) continue;
    find("declined", `number ${n} was declined (${open.get(n)}) and is at ${entry.offset}`);
  }
}

// Law "answered": who asks is answered while the connection lasts, and is let in; the feed holds all that was missed.
function checkAnswers({ client, find }) {
  for (const line of client.record) {
    const asked = line.f ? "f" : `number ${line.n}`;
    if (line.what === "unanswered") find("answered", `${asked} had no answer on a connection that lasted`);
    if (line.what === "refused") find("answered", `f was answered with the error ${line.code}`);
    if (line.what !== "registered" || line.since === undefined) continue;
    if (line.complete !== true) find("complete", `the answer to f, since ${line.since}, says complete: ${line.complete}`);
  }
}

// Law "heard": from its first registration to the end a client heard the feed: in order, each once, the same.
function checkHeard({ client, feed, byOffset, find }) {
  const first = client.record.find(({ what }) => what === "registered");
  if (!first) return find("heard", "it was never registered");
  const start = Math.max(startOf(client.record, first), feed.length ? feed[0].offset - 1 : 0);
  let last = start;
  for (const news of client.record) {
    if (news.what !== "heard") continue;
    const { offset } = news;
    if (offset <= start) find("heard", `${offset} was heard, which is before what it registered for`);
    else if (!(offset > last)) find("heard", `${offset} was heard after ${last}: twice, or out of order`);
    if (!(offset > last)) continue;
    if (offset > last + 1) find("heard", `after ${last} came ${offset}: ${missing(last + 1, offset - 1)} not heard in between`);
    last = offset;
    const entry = byOffset.get(offset);
    if (!entry) find("heard", `${offset} was heard, which the feed does not have`);
    else if (!sameNews(entry, news)) find("heard", `at ${offset} it heard ${told(news)}, the feed has ${told(entry)}`);
  }
  const end = feed.at(-1)?.offset ?? 0;
  if (last < end) find("heard", `${missing(last + 1, end)} at the end never heard`);
}

// The offset behind which a client hears everything. When the answer to its first f was lost, it may have heard news before the
// second was answered.
function startOf(record, first) {
  const start = first.offset - (first.history || 0);
  const before = record.slice(0, record.indexOf(first));
  if (before.filter(({ what }) => what === "asked").length < 2) return start;
  return Math.min(start, ...before.filter(({ what }) => what === "heard").map(({ offset }) => offset - 1));
}

const sameNews = (a, b) => a.from === b.from && a.id === b.id && a.at === b.at && same(a.data, b.data);
const missing = (from, to) => (from === to ? `${from} was` : `${from} to ${to} were`);

const told = ({ data, from, id, at }) => `${show(data)} of ${from} (${id}, ${at})`;

function show(data) {
  const text = JSON.stringify(data);
  return text.length <= 100 ? text : `${text.slice(0, 100)}...`;
}

module.exports = { check };
