"use strict";

// Socket.IO, revision 5: connecting to namespaces, events, acknowledgements, attachments, leaving, and what ends the connection.

const assert = require("node:assert/strict");
const { Polling } = require("../raw");
const { promise } = require("../suite");
const { TARGET } = require("../target");
const { PATIENT_TIMEOUT, dialed, laboratory, quick } = require("./sessions");

const { lab } = laboratory();
const { lab: hasty } = laboratory({ ...quick, LAB_PING_TIMEOUT: PATIENT_TIMEOUT });

const HELLO = '42["hello","from the connect handler"]';
const BYTES = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
const SLOTS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

// The id in the answer to a request to connect: `40` and, but for the main namespace, its name.
function idOf(packet, start) {
  assert.ok(packet.startsWith(start), packet);
  const { sid, ...rest } = JSON.parse(packet.slice(start.length));
  assert.equal(typeof sid, "string");
  assert.deepEqual(rest, {});
  return sid;
}

// A connection in the main namespace that has heard the greeting.
async function joined(t, server = lab) {
  const wire = await dialed(t, server, 4);
  wire.send("40");
  wire.id = idOf(await wire.next(), "40");
  assert.equal(await wire.next(), HELLO);
  return wire;
}

promise("the main namespace is connected to, with an id that is not the session's", async (t) => {
  const wire = await joined(t);
  assert.notEqual(wire.id, wire.open.sid);
});

promise("what a client says of itself when it connects is there for the server", async (t) => {
  for (const [request, auth] of [["40", {}], ['40{"token":"123"}', { token: "123" }]]) {
    const wire = await dialed(t, lab, 4);
    wire.send(request);
    idOf(await wire.next(), "40");
    assert.equal(await wire.next(), HELLO);
    wire.send('421["handshake"]');
    const [facts] = JSON.parse((await wire.next()).slice("431".length));
    assert.deepEqual(facts.auth, auth);
  }
});

promise("another namespace is connected to without the main one", async (t) => {
  const wire = await dialed(t, lab, 4);
  wire.send("40/static,");
  idOf(await wire.next(), "40/static,");
  assert.equal(await wire.next(), '42/static,["welcome","/static"]');
});

promise("a namespace may decide by what a client says of itself", async (t) => {
  const wire = await dialed(t, lab, 4);
  wire.send('40/guarded,{"token":"wrong"}');
  assert.match(await wire.next(), /^44\/guarded,\{"message":"not allowed"/);
  wire.send('40/guarded,{"token":"sesame"}');
  idOf(await wire.next(), "40/guarded,");
  assert.equal(await wire.next(), '42/guarded,["welcome","/guarded",["first","second"]]');
});

promise("a namespace that does not exist is refused, with or without a comma behind its name", async (t) => {
  const wire = await dialed(t, lab, 4);
  for (const request of ["40/random", "40/random,"]) {
    wire.send(request);
    assert.equal(await wire.next(), '44/random,{"message":"Invalid namespace"}');
  }
});

promise("several namespaces share a connection, each with an id and events of its own", async (t) => {
  const wire = await joined(t);
  const ids = [wire.id];
  for (const name of ["/static", "/dynamic-7"]) {
    wire.send(`40${name},`);
    ids.push(idOf(await wire.next(), `40${name},`));
    assert.equal(await wire.next(), `42${name},["welcome","${name}"]`);
  }
  assert.equal(new Set(ids).size, ids.length);
  wire.send('42/dynamic-7,5["echo","seven"]');
  assert.equal(await wire.next(), '43/dynamic-7,5["seven"]');
  wire.send('42/static,["echo","static"]');
  assert.equal(await wire.next(), '42/static,["echo","static"]');
});

promise("a connection that asks for no namespace is closed in time", async (t) => {
  await (await heartbeating(t)).closed();
});

// A connection that answers heartbeats and does nothing else.
async function heartbeating(t) {
  const wire = await dialed(t, hasty, 4);
  wire.socket.on("message", (data) => data.toString() === "2" && wire.send("3"));
  return wire;
}

promise("the main namespace is left, and the connection stays", async (t) => {
  const wire = await joined(t, hasty);
  wire.send("41");
  for (let beat = 0; beat < 4; beat++) {
    assert.equal(await wire.next(), "2"); // the next packet is a heartbeat's
    wire.send("3");
  }
});

promise("another namespace is left, and the main one stays", async (t) => {
  const wire = await joined(t);
  wire.send("40/static");
  idOf(await wire.next(), "40/static,");
  assert.equal(await wire.next(), '42/static,["welcome","/static"]');
  wire.send("41/static");
  wire.send('42["echo","in the main namespace"]');
  assert.equal(await wire.next(), '42["echo","in the main namespace"]');
});

promise("the server may leave a namespace", async (t) => {
  const wire = await joined(t);
  wire.send("40/static,");
  idOf(await wire.next(), "40/static,");
  await wire.next();
  wire.send('42/static,["kick",false]');
  assert.equal(await wire.next(), "41/static,");
  wire.send('42["echo"]');
  assert.equal(await wire.next(), '42["echo"]');
});

const ARGUMENTS = ['1,"2",{"3":[true]}', "null", '"",0,-1.5,false,[],{}', '"€ 说 \\u0007 \\" \\\\"', '{"deep":[[[{"a":[]}]]]}'];

promise("an event's arguments come back as they were", async (t) => {
  const wire = await joined(t);
  for (const args of ARGUMENTS) {
    wire.send(`42["echo",${args}]`);
    const packet = await wire.next();
    assert.equal(packet.slice(0, 2), "42");
    assert.deepEqual(JSON.parse(packet.slice(2)), JSON.parse(`["echo",${args}]`));
  }
});

promise("an event with an id is acknowledged with that id", async (t) => {
  const wire = await joined(t);
  for (const id of ["0", "1", "456", "2147483648"]) {
    wire.send(`42${id}["echo",1,"2",{"3":[false]}]`);
    assert.equal(await wire.next(), `43${id}[1,"2",{"3":[false]}]`);
  }
});

promise("attachments follow an event, and come back behind it in their order", async (t) => {
  const wire = await joined(t);
  wire.send(`452-["echo",${SLOTS}]`);
  for (const bytes of BYTES) wire.send(bytes);
  assert.equal(await wire.next(), `452-["echo",${SLOTS}]`);
  for (const binary of BYTES) assert.deepEqual(await wire.next(), { binary });
});

promise("attachments are acknowledged with an acknowledgement that has attachments", async (t) => {
  const wire = await joined(t);
  wire.send(`452-789["echo",${SLOTS}]`);
  for (const bytes of BYTES) wire.send(bytes);
  assert.equal(await wire.next(), `462-789[${SLOTS}]`);
  for (const binary of BYTES) assert.deepEqual(await wire.next(), { binary });
});

promise("attachments find their namespace", async (t) => {
  const wire = await dialed(t, lab, 4);
  wire.send("40/static,");
  await wire.next();
  await wire.next();
  wire.send(`451-/static,3["echo",{"_placeholder":true,"num":0}]`);
  wire.send(BYTES[0]);
  assert.equal(await wire.next(), `461-/static,3[{"_placeholder":true,"num":0}]`);
  assert.deepEqual(await wire.next(), { binary: BYTES[0] });
});

promise("the server asks, and the client acknowledges, with and without attachments", async (t) => {
  const wire = await joined(t);
  for (const answer of [["3", '["seven"]'], ["6", '["seven",{"_placeholder":true,"num":0}]', BYTES[1]]]) {
    const [type, args, attachment] = answer;
    wire.send(`421["question",${PATIENT_TIMEOUT}]`);
    const [, id] = (await wire.next()).match(/^42(\d+)\["question","how many\?"\]$/);
    wire.send(`4${type}${attachment ? "1-" : ""}${id}${args}`);
    if (!attachment) {
      assert.equal(await wire.next(), '431[{"answer":["seven"]}]');
      continue;
    }
    wire.send(attachment);
    assert.equal(await wire.next(), '461-1[{"answer":["seven",{"_placeholder":true,"num":0}]}]');
    assert.deepEqual(await wire.next(), { binary: attachment });
  }
});

promise("all of it goes over long-polling too, attachments in base64", async () => {
  const session = await Polling.open(lab, 4);
  await session.post("40");
  const packets = await session.until((packet) => packet === HELLO);
  idOf(packets[0], "40");
  await session.post('42["echo","text"]', '427["echo",1]', '451-8["echo",{"_placeholder":true,"num":0}]', "bAQID");
  const answers = [];
  while (answers.length < 4) answers.push(...(await session.poll()));
  assert.deepEqual(answers, ['42["echo","text"]', "437[1]", '461-8[{"_placeholder":true,"num":0}]', { binary: BYTES[0] }]);
});

const CLOSING = {
  "an unknown type": "4abc",
  "a payload that is no list": "42{}",
  "an acknowledgement's id that is no number": '42abc["echo",1]',
  "an empty list": "42[]",
  "half of a list": '42["echo"',
  "an acknowledgement that is no list": "431{}",
  "an unknown number of attachments": '45["echo"]',
};

// The reference lets it pass, though "the payload is mandatory" and its receiver "MUST close the connection".
if (TARGET !== "reference") CLOSING["an event without a payload"] = "42";

for (const [what, packet] of Object.entries(CLOSING)) {
  promise(`${what} closes the connection`, async (t) => {
    const wire = await joined(t);
    wire.send(packet);
    await wire.closed();
  });
}

for (const packet of ["4abc", '42["echo"]', '431["x"]', "41"]) {
  promise(`${packet} in place of a request to connect closes the connection`, async (t) => {
    const wire = await heartbeating(t); // where the packet is let pass, the time to connect ends it
    wire.send(packet);
    await wire.closed();
  });
}
