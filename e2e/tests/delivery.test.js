"use strict";

// Bursts, rooms and volatile events: who hears what, how often and in which order.

const assert = require("node:assert/strict");
const { describe } = require("node:test");
const { COMBINATIONS, VERSIONS, ask, connect, heard, next } = require("../client");
const { everyClient, promise, serverFor } = require("../suite");
const { TARGET, startLab } = require("../target");

const lab = serverFor(() => startLab());
const BURST = 1000;
const CROWD = 20;
const upTo = (n) => Array.from({ length: n }, (_, i) => i);

// 20 clients of all versions over all transports, in one room.
async function crowd(t, room, early) {
  const members = upTo(CROWD).map((i) => connect(t, lab, { ...COMBINATIONS[i % COMBINATIONS.length], early }));
  const sockets = await Promise.all(members);
  sockets.forEach((socket) => socket.heard("tick"));
  await Promise.all(sockets.map((socket) => ask(socket, "join", room)));
  return sockets;
}

function assertBurst(list, who) {
  const numbers = list.map(([i]) => i);
  assert.deepEqual(numbers, upTo(BURST), `${who.version} heard something else than 0 to ${BURST - 1}`);
}

describe("1,000 broadcasts in one burst all arrive, in order, once, at each of 20 clients", () => {
  for (const early of [false, true]) {
    promise(early ? "while half of them upgrade" : "of every version and transport", async (t) => {
      const sockets = await crowd(t, `burst ${early}`, early);
      sockets[0].emit("burst", `burst ${early}`, BURST, () => {});
      const lists = await Promise.all(sockets.map((socket) => heard(socket, "tick", BURST)));
      await Promise.all(sockets.map((socket) => ask(socket, "echo")));
      lists.forEach((list, i) => assertBurst(list, sockets[i]));
    });
  }
});

promise("members of a room hear bursts of two speakers in one and the same order", async (t) => {
  const sockets = await crowd(t, "same order", false);
  sockets.slice(0, 2).forEach((socket, i) => {
    for (const n of upTo(50)) socket.emit("say", { everyone: true, to: ["same order"] }, "tick", `${i}:${n}`);
  });
  const lists = await Promise.all(sockets.map((socket) => heard(socket, "tick", 100)));
  for (const list of lists) assert.deepEqual(list, lists[0]);
  for (const i of [0, 1]) {
    const own = lists[0].map(([text]) => text).filter((text) => text.startsWith(`${i}:`));
    assert.deepEqual(
      own,
      upTo(50).map((n) => `${i}:${n}`),
    );
  }
});

everyClient("rooms are joined, listed and left", async (t, how) => {
  const socket = await connect(t, lab, how);
  await ask(socket, "join", "a room");
  await ask(socket, "join", "房间");
  await ask(socket, "join", "a room");
  assert.deepEqual(await ask(socket, "rooms"), [["a room", "房间"]]);
  await ask(socket, "leave", "a room");
  await ask(socket, "leave", "never joined");
  assert.deepEqual(await ask(socket, "rooms"), [["房间"]]);
});

// Three sockets: `in` and `both` are in one room, `both` in another one too.
async function trio(t, how, name) {
  const [one, both, none] = await Promise.all(upTo(3).map(() => connect(t, lab, how)));
  await Promise.all([ask(one, "join", name), ask(both, "join", name), ask(both, "join", `${name} 2`)]);
  for (const socket of [one, both, none]) socket.heard("said");
  return { one, both, none };
}

// What each heard when a last word that goes to all has arrived everywhere.
async function afterLastWord(speaker, sockets, mark) {
  const done = Promise.all(sockets.map((socket) => next(socket, mark)));
  await ask(speaker, "say", { everyone: true }, mark);
  await done;
  return sockets.map((socket) => socket.heard("said").map(([text]) => text));
}

everyClient(
  "a broadcast reaches the rooms that it names, without those that it excepts, each socket once",
  async (t, how) => {
    const room = `rooms ${how.version} ${how.transport}`;
    const { one, both, none } = await trio(t, how, room);
    const say = (from, options, text) => ask(from, "say", options, "said", text);
    await say(none, { to: [room, `${room} 2`] }, "both rooms");
    await say(none, { to: [room], except: [`${room} 2`] }, "not the second");
    await say(one, { to: [room] }, "not to oneself");
    await say(one, { everyone: true, to: [room], local: true, compress: false }, "to oneself too");
    await say(none, { to: ["an empty room"] }, "to nobody");
    const [atOne, atBoth, atNone] = await afterLastWord(none, [one, both, none], `end ${room}`);
    assert.deepEqual(atOne, ["both rooms", "not the second", "to oneself too"]);
    assert.deepEqual(atBoth, ["both rooms", "not to oneself", "to oneself too"]);
    assert.deepEqual(atNone, []);
  },
);

everyClient("a volatile event reaches a client that listens", async (t, how) => {
  const socket = await connect(t, lab, how);
  const event = `volatile ${how.version} ${how.transport}`;
  const arrived = next(socket, event);
  let tries = 0;
  const again = async () => {
    await ask(socket, "say", { everyone: true, volatile: true }, event, "now or never");
    if (socket.heard(event).length === 0 && tries++ < 50) await again();
  };
  socket.heard(event);
  await again();
  assert.deepEqual(await arrived, ["now or never"]);
});

everyClient("a question to a room gathers all answers", async (t, how) => {
  const room = `poll ${how.version} ${how.transport}`;
  const sockets = await Promise.all(VERSIONS.map((version) => connect(t, lab, { ...how, version })));
  await Promise.all(sockets.map((socket) => ask(socket, "join", room)));
  sockets.forEach((socket, i) => socket.on("question", (text, ack) => ack(`${text} ${i}`)));
  const [{ answers, complete }] = await ask(sockets[0], "poll", room, 5000);
  assert.equal(complete, true);
  assert.deepEqual(
    answers.sort(),
    upTo(VERSIONS.length).map((i) => `how many? ${i}`),
  );
});

everyClient(
  "a question to a room says when somebody did not answer, and hands over the rest",
  async (t, how) => {
    const room = `silent ${how.version} ${how.transport}`;
    const [speaks, silent] = await Promise.all(upTo(2).map(() => connect(t, lab, how)));
    await Promise.all([ask(speaks, "join", room), ask(silent, "join", room)]);
    speaks.on("question", (text, ack) => ack("here"));
    assert.deepEqual(await ask(speaks, "poll", room, 1500), [{ answers: ["here"], complete: false }]);
  },
  { together: true },
);

// The reference takes clients before 2 for clients of 2 and garbles their text over polling.
const garbled = ({ version, transport }) => TARGET === "reference" && version === "1.7.4" && transport !== "websocket";

everyClient(
  "text reaches clients of every version unharmed, whoever sends it",
  async (t, how) => {
    const room = `text ${how.version} ${how.transport}`;
    const listeners = await Promise.all(
      COMBINATIONS.filter((other) => !garbled(other)).map((other) => connect(t, lab, { ...other, early: true })),
    );
    await Promise.all(listeners.map((socket) => ask(socket, "join", room)));
    const speaker = await connect(t, lab, { ...how, early: true });
    const texts = ["说:hello !", "café", "€ \u{1F600} \u2028", "plain"];
    const arrived = listeners.map((socket) => heard(socket, "said", texts.length));
    for (const text of texts) speaker.emit("say", { to: [room] }, "said", text);
    for (const list of await Promise.all(arrived))
      assert.deepEqual(
        list,
        texts.map((text) => [text]),
      );
  },
  { of: COMBINATIONS.filter((how) => !garbled(how)) },
);
