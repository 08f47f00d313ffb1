"use strict";

// The close codes that a client can bring about, as clients that nobody here wrote see them.

const assert = require("node:assert/strict");
const { serverFor } = require("../suite");
const { TARGET } = require("../target");
const { frame } = require("./clients");
const { everyLibrary, startDoors } = require("./doors");

const TEXT = 0x1;
const doors = TARGET === "reference" ? {} : serverFor(() => startDoors({ CRIER_ALLOWED_ORIGINS: "https://listed.example" }));

async function assertEnds(client, code, reason) {
  assert.deepEqual(await client.end(), { code, reason });
}

everyLibrary("1000: the client closes, and is answered with its own code and reason", async (t, connect) => {
  for (const [code, reason] of [[1000, "work is done"], [4001, "再见"]]) {
    const client = await connect(doors.at.echo);
    client.close(code, reason);
    await assertEnds(client, code, reason);
  }
});

everyLibrary("1001: the server is told to go", async (t, connect) => {
  const server = await startDoors();
  t.after(() => server.stop());
  const clients = await Promise.all(["echo", "helloPort", "chat", "newsPort"].map((name) => connect(server.at[name])));
  for (const client of clients) client.send("ping"); // the answer says that it is let in
  await Promise.all(clients.map((client) => client.next()));
  server.terminate();
  await Promise.all(clients.map((client) => assertEnds(client, 1001, "server going away")));
  await server.ended;
});

everyLibrary("1002: the client breaks the protocol", async (t, connect) => {
  for (const [bytes, reason] of [
    [frame(TEXT, "not masked", { masked: false }), "frames from client to server must be masked"],
    [Buffer.from("82ff800000000000000000000000", "hex"), "a length of 2^63 bytes or more"],
  ]) {
    const client = await connect(doors.at.echo);
    client.tcp.write(bytes);
    await assertEnds(client, 1002, reason);
  }
});

everyLibrary("1003: binary where only text is taken", async (t, connect) => {
  for (const url of [doors.at.chat, doors.at.newsPort]) {
    const client = await connect(url);
    client.send(Buffer.from([0]));
    await assertEnds(client, 1003, "this endpoint takes text only");
  }
});

everyLibrary("1007: text that is not UTF-8, split within a character", async (t, connect) => {
  const client = await connect(doors.at.chat);
  client.tcp.write(Buffer.concat([frame(TEXT, [0x61, 0xc3], { fin: false }), frame(0, [0x62])]));
  await assertEnds(client, 1007, "text that is not UTF-8");
});

everyLibrary("1008: a page of another origin", async (t, connect) => {
  for (const url of Object.values(doors.at)) {
    const client = await connect(url, { headers: { Origin: "http://localhost:1" } });
    await assertEnds(client, 1008, "Forbidden: pages of this origin are not allowed here");
  }
  const client = await connect(doors.at.echoPort, { headers: { Origin: "https://listed.example" } });
  client.send("in");
  assert.equal(await client.next(), "IN!!!");
});

everyLibrary("1008: too many messages", async (t, connect) => {
  const client = await connect(doors.at.echo);
  for (let i = 0; i < 2_000; i++) client.send("quick");
  await assertEnds(client, 1008, "too many messages in a second");
  assert.ok(client.inbox.length >= 400, `${client.inbox.length} were answered before`);
});

everyLibrary("1009: a message that is too big", async (t, connect) => {
  const client = await connect(doors.at.echo);
  client.send(Buffer.alloc(1_000_001));
  await assertEnds(client, 1009, "a message of more than 1000000 bytes");
});

// Those who try echo, hello and chat take no place of those who hear the news, and the other way round.
everyLibrary("1013: too many connections", async (t, connect) => {
  const server = await startDoors({ CRIER_MAX_PLAIN: "2" });
  t.after(() => server.stop());
  const first = await connect(server.at.echo);
  await connect(server.at.chatPort);
  for (const name of ["hello", "helloPort", "echoPort", "chat"])
    await assertEnds(await connect(server.at[name]), 1013, "too many connections");
  const listener = await connect(server.at.newsPort);
  await connect(server.at.news);
  for (const name of ["news", "newsPort"]) await assertEnds(await connect(server.at[name]), 1013, "too many connections");
  first.send("still here");
  assert.equal(await first.next(), "STILL HERE!!!");
  listener.send("ping");
  assert.equal(await listener.next(), "pong");
});

everyLibrary("1013: a client that does not read gets what was under way, and then the reason", async (t, connect) => {
  const server = await startDoors({ CRIER_MAX_QUEUE: "512KiB", CRIER_MAX_PLAIN_RATE: "100000" });
  t.after(() => server.stop());
  const client = await connect(server.at.echo);
  const sent = Buffer.alloc(16_000, "x");
  client.send(sent);
  assert.ok(sent.equals(await client.next()), "while it reads, it is answered");
  client.pause();
  const count = 2_000; // 32 MB: far more than the kernel's buffers hold
  for (let i = 0; i < count; i++) client.send(sent);
  while (client.tcp.writableLength > 0) await new Promise((resolve) => client.tcp.once("drain", resolve));
  client.resume();
  await assertEnds(client, 1013, "slow consumer");
  // How much was under way depends on the kernel and on how fast the burst was; what arrives is whole.
  assert.ok(client.inbox.length < count, `${client.inbox.length} came back`);
  for (const answer of client.inbox) assert.ok(sent.equals(answer));
});
