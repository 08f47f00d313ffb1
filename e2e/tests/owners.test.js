"use strict";

// Whose the ids of messages are: who brings the secret, on whatever connection, and nobody else.

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const http = require("node:http");
const { BOTH, ask, connect, heard, isOld, reconnected } = require("../client");
const { openLine } = require("../line");
const { bothClients, registered, say, texts } = require("../speakers");
const { dataFolder, startProduct } = require("../target");

const newSecret = () => randomBytes(18).toString("base64url");
// The clients' XMLHttpRequest for Node hangs for ever when a socket that it uses again is cut.
const FRESH_SOCKETS = new http.Agent({ keepAlive: false });
const COMES_BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50, agent: FRESH_SOCKETS };

bothClients("a message with an id and a secret counts once, after a lost line and after the server was killed", async (t, how) => {
  const CRIER_DATA = dataFolder();
  let server = await startProduct({ CRIER_DATA });
  t.after(() => server.stop());
  const where = { port: server.port };
  const line = await openLine(t, where);
  const secret = newSecret();
  const ann = await registered(t, line, { ...COMES_BACK, ...how }, "Ann", { secret });
  const first = await say(ann, { n: 1 }, { id: "one" });
  assert.ok(first.offset > 0 && first.at > 0);

  const again = async (what) => {
    const [{ error, offset }] = await ask(ann, "f", "Ann", { secret });
    assert.equal(error, undefined, what);
    const { at, ...answer } = await say(ann, { n: 1 }, { id: "one" });
    assert.deepEqual(answer, { offset: first.offset }, what);
    assert.ok(at === undefined || at === first.at, what);
    return offset;
  };
  let back = reconnected(ann);
  if (how.transport === "polling") await line.polled();
  line.cut();
  await back;
  await again("after a lost line");

  back = reconnected(ann);
  await server.kill();
  server = await startProduct({ CRIER_DATA }, server.port);
  where.port = server.port;
  await back;
  await again("after the server was killed");

  // Another name, and the same secret on a connection of its own: still the same owner.
  const late = await registered(t, server, how, "Anna", { secret, since: first.offset - 1 });
  assert.equal((await say(late, { n: 1 }, { id: "one" })).offset, first.offset);
  assert.equal((await say(late, { n: 2 }, { id: "one" })).error.code, "id_taken");
  assert.equal((await say(late, "last")).offset, first.offset + 1);
  assert.deepEqual(texts(await heard(late, "news", 2)), [{ n: 1 }, "last"]);
});

bothClients(
  "the secret in the handshake counts before f",
  async (t, how) => {
    const server = await startProduct();
    t.after(() => server.stop());
    const auth = { name: "Ann", secret: newSecret() };
    const ann = await registered(t, server, { ...how, auth }, "Ann", { secret: auth.secret });
    const { offset } = await say(ann, "said", { id: 1 });
    ann.close();
    const back = await connect(t, server, { ...how, auth });
    assert.equal((await say(back, "said", { id: 1 })).offset, offset, "before f");
    await ask(back, "f", "Ann");
    assert.equal((await say(back, "said", { id: 1 })).offset, offset, "after f");
  },
  { of: BOTH.filter(({ version }) => !isOld(version)) }, // the others have no auth
);

bothClients("another one cannot take the ids of an owner, whatever it calls itself and whoever is first", async (t, how) => {
  const server = await startProduct();
  t.after(() => server.stop());
  const eves = await Promise.all([{}, { secret: newSecret() }].map((options) => registered(t, server, how, "Ann", options)));
  for (const [i, eve] of eves.entries()) await say(eve, `Eve ${i} was first`, { id: "one" });
  const ann = await registered(t, server, how, "Ann", { secret: newSecret() });
  const mine = await say(ann, "Ann's", { id: "one" });
  assert.equal(mine.error, undefined, "the id was taken before its owner came");
  for (const [i, eve] of eves.entries()) {
    const { error, offset } = await say(eve, "Ann's", { id: "one" });
    if (i === 0) assert.ok(offset > mine.offset, "without a secret, what Ann said was taken for Eve's");
    else assert.equal(error?.code, "id_taken", "it had said something else under its own id");
  }
  assert.equal((await say(ann, "Ann's", { id: "one" })).offset, mine.offset);
  await say(ann, "last");
  assert.deepEqual(texts(await heard(ann, "news", 3)), ["Ann's", "Ann's", "last"]);
  const [{ entries }] = await ask(ann, "history", { limit: 2 });
  assert.deepEqual(entries.map(({ data }) => data), ["Ann's", "last"]);
});
