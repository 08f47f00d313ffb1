"use strict";

// The checker's own tests: a lawful run has no findings, and each way to break a law has one that names it.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { check } = require("./checker");
const { brief } = require("./record");

const FEED = 12;

// Ann and Bob say in turn; Ann is there from the beginning and was away in the middle, Bob came later and asked for two of
// the messages before.
function lawful() {
  const feed = Array.from({ length: FEED }, (_, i) => entry(i % 2 ? "Bob" : "Ann", i >> 1, i + 1));
  return { feed, clients: [ann(feed), bob(feed)] };
}

const entry = (from, n, offset) => ({ offset, from, id: `id of ${from}`, at: 1000 + offset, data: brief({ by: from, n, text: "x" }) });
const registered = (name, fields) => ({ what: "registered", id: `id of ${name}`, ...fields });
const heard = (feed) => feed.map((one) => ({ what: "heard", ...one }));
const spoken = (feed, name) =>
  feed
    .filter(({ from }) => from === name)
    .flatMap(({ data, offset, at }) => [
      { what: "said", n: data[1], data },
      { what: "acked", n: data[1], offset, at },
    ]);

const ann = (feed) => ({
  name: "Ann",
  record: [
    registered("Ann", { offset: 0 }),
    ...spoken(feed, "Ann"),
    ...heard(feed.slice(0, 5)),
    { what: "disconnected", reason: "transport close" },
    registered("Ann", { offset: 9, since: 5, complete: true }),
    ...heard(feed.slice(5)),
  ],
});

const bob = (feed) => ({
  name: "Bob",
  record: [registered("Bob", { offset: 4, history: 2 }), ...spoken(feed, "Bob"), ...heard(feed.slice(2))],
});

const laws = (findings) => [...new Set(findings.map(({ law }) => law))].sort();
const lines = (client, what) => client.record.filter((line) => line.what === what);
const remove = (list, one) => list.splice(list.indexOf(one), 1);
const swap = (list, i, j) => ([list[i], list[j]] = [list[j], list[i]]);
const swapLines = ({ record }, a, b) => swap(record, record.indexOf(a), record.indexOf(b));

test("a run that keeps all laws has no findings", () => {
  assert.deepEqual(check(lawful()), []);
});

test("what was declined may be said again, and then stands later", () => {
  const run = lawful();
  const [annSays] = run.clients;
  // Number 1 was declined at first: it comes after number 2.
  annSays.record.splice(3, 0, { what: "said", n: 1, data: run.feed[2].data }, { what: "declined", n: 1, code: "busy" });
  for (const one of lines(annSays, "acked").slice(1, 3)) Object.assign(one, { offset: 8 - one.offset, at: 2008 - one.at });
  swap(run.feed, 2, 4);
  for (const i of [2, 4]) Object.assign(run.feed[i], { offset: i + 1, at: 1001 + i });
  for (const client of run.clients) for (const one of lines(client, "heard")) Object.assign(one, run.feed[one.offset - 1]);
  assert.deepEqual(check(run), []);
});

test("a client whose first f was answered only the second time may have heard news before", () => {
  const { feed, clients } = lawful();
  const late = { what: "registered", id: "id of Bob", offset: 9 };
  clients[1].record = [{ what: "asked" }, { what: "asked" }, ...heard(feed.slice(6, 9)), late, ...spoken(feed, "Bob"), ...heard(feed.slice(9))];
  assert.deepEqual(check({ feed, clients }), []);
});

// What is done to a lawful run, and which laws must be named.
const BREACHES = {
  "an acknowledged message is not in the feed": ["acked heard", ({ feed }) => feed.pop()],
  "one in the middle is not in the feed": ["acked feed heard", ({ feed }) => feed.splice(5, 1)],
  "the feed has other data": ["acked heard", ({ feed }) => (feed[3].data = brief({ by: "Bob", n: 1, text: "y" }))],
  "the feed has another speaker": ["acked feed heard once", ({ feed }) => (feed[3].from = "Ann")],
  "the feed has somebody else's id": ["acked heard", ({ feed }) => (feed[3].id = "id of Ann")],
  "the feed has another time": ["acked heard", ({ feed }) => feed[3].at++],
  "a message is in the feed twice": ["feed once", ({ feed }) => feed.push(feed[11])],
  "a message said again is stored again": ["heard once", ({ feed }) => feed.push(entry("Bob", 5, 13))],
  "the feed has what nobody said": ["feed heard", ({ feed }) => feed.push(entry("Eve", 0, 13))],
  "the feed has what the run never says": ["feed heard", ({ feed }) => feed.push({ ...entry("Ann", 0, 13), data: "stray" })],
  "what was said is never acknowledged": ["acked", ({ clients: [a] }) => remove(a.record, lines(a, "acked")[2])],
  "an acknowledgement has another offset": ["acked", ({ clients: [a] }) => lines(a, "acked")[2].offset++],
  "an acknowledgement has another time": ["acked", ({ clients: [a] }) => lines(a, "acked")[2].at++],
  "a speaker's messages are stored in another order": ["order", reorder],
  "what was declined is in the feed": ["declined", ({ clients: [a] }) => a.record.push({ what: "declined", n: 2, code: "busy" })],
  "a message has no answer": ["answered", ({ clients: [a] }) => a.record.push({ what: "unanswered", n: 2 })],
  "a registration is refused": ["answered", ({ clients: [a] }) => a.record.push({ what: "refused", code: "bad_name" })],
  "the answer to f says that something is missing": ["complete", ({ clients: [a] }) => (lines(a, "registered")[1].complete = false)],
  "the answer to f does not say that all is there": ["complete", ({ clients: [a] }) => delete lines(a, "registered")[1].complete],
  "a client never came in": ["heard", ({ clients: [, b] }) => remove(b.record, lines(b, "registered")[0])],
  "one of the news is not heard": ["heard", ({ clients: [a] }) => remove(a.record, lines(a, "heard")[7])],
  "the first of the news is not heard": ["heard", ({ clients: [a] }) => remove(a.record, lines(a, "heard")[0])],
  "the last of the news is not heard": ["heard", ({ clients: [a] }) => remove(a.record, lines(a, "heard").at(-1))],
  "the news before a late registration are not all heard": ["heard", ({ clients: [, b] }) => remove(b.record, lines(b, "heard")[0])],
  "more news than asked for come before a late registration": ["heard", ({ clients: [, b], feed }) => b.record.splice(1, 0, ...heard([feed[1]]))],
  "one of the news is heard twice": ["heard", ({ clients: [a] }) => a.record.push(lines(a, "heard").at(-1))],
  "the seam doubles": ["heard", ({ clients: [a] }) => a.record.splice(a.record.indexOf(lines(a, "heard")[5]), 0, lines(a, "heard")[4])],
  "two news are heard in another order": ["heard", ({ clients: [a] }) => swapLines(a, lines(a, "heard")[6], lines(a, "heard")[7])],
  "news are heard with other data": ["heard", ({ clients: [a] }) => (lines(a, "heard")[6].data = null)],
  "news are heard of another speaker": ["heard", ({ clients: [a] }) => (lines(a, "heard")[6].from = "Bob")],
  "news are heard under another id": ["heard", ({ clients: [a] }) => (lines(a, "heard")[6].id = "id of Bob")],
  "news are heard with another time": ["heard", ({ clients: [a] }) => lines(a, "heard")[6].at++],
  "news are heard that are not in the feed": ["heard", ({ clients: [a] }) => a.record.push({ what: "heard", ...entry("Bob", 6, 13) })],
};

// Ann's numbers 1 and 2 change places, in the feed and for everybody.
function reorder({ feed, clients }) {
  swap(feed, 2, 4);
  for (const i of [2, 4]) Object.assign(feed[i], { offset: i + 1, at: 1001 + i });
  for (const client of clients) for (const one of lines(client, "heard")) Object.assign(one, feed[one.offset - 1]);
  for (const one of lines(clients[0], "acked").slice(1, 3)) Object.assign(one, { offset: 8 - one.offset, at: 2008 - one.at });
}

for (const [breach, [named, make]] of Object.entries(BREACHES)) {
  test(`caught: ${breach}`, () => {
    const run = lawful();
    make(run);
    assert.deepEqual(laws(check(run)), named.split(" "));
  });
}

test("a long text stands in a record by its hash, which tells it from another", () => {
  const [one, other] = ["x", "y"].map((last) => brief({ by: "Ann", n: 1, text: "z".repeat(10_000) + last }));
  assert.ok(JSON.stringify(one).length < 100);
  assert.notDeepEqual(one, other);
});

test("many findings of one kind are told by a few, and their number", () => {
  const run = lawful();
  run.clients[0].record = run.clients[0].record.filter(({ what }) => what !== "acked");
  run.feed.splice(0);
  const texts = check(run).filter(({ law, who }) => law === "heard" && who === "Ann");
  assert.equal(texts.length, 6);
  assert.match(texts[5].text, /^and \d+ more/);
});
