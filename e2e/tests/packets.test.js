"use strict";

// Socket.IO packets by hand: what a client may send, and what ends it.

const assert = require("node:assert/strict");
const { Wire } = require("../raw");
const { assertReason, bothVersions, promise, serverFor } = require("../suite");
const { startLab } = require("../target");

const lab = serverFor(() => startLab());
const hasty = serverFor(() => startLab({ LAB_CONNECT_TIMEOUT: 300 }));

promise("version 5 asks to join, and is told its id", async (t) => {
  const wire = await Wire.join(lab, 4);
  t.after(() => wire.close());
  const [, json] = wire.joined.match(/^40(\{.*\})$/);
  const { sid, ...rest } = JSON.parse(json);
  assert.deepEqual(rest, {});
  assert.notEqual(sid, wire.open.sid, "the id that others may see opens the session");
  assert.equal(wire.hello, '42["hello","from the connect handler"]');
});

promise("version 4 of the protocol joins the main namespace unasked", async (t) => {
  const wire = await Wire.join(lab, 3);
  t.after(() => wire.close());
  assert.equal(wire.joined, "40");
  assert.equal(wire.hello, '42["hello","from the connect handler"]');
});

promise("auth comes with the request to join", async (t) => {
  const wire = await Wire.dial(lab, { EIO: 4 });
  t.after(() => wire.close());
  await wire.next();
  wire.send('40{"token":"abc","deep":{"list":[1]}}');
  await wire.until((packet) => packet.startsWith('42["hello"'));
  wire.send('420["handshake"]');
  const [facts] = JSON.parse((await wire.next()).slice(3));
  assert.deepEqual(facts.auth, { token: "abc", deep: { list: [1] } });
});

promise("a namespace is joined, used, left and joined again", async (t) => {
  const wire = await Wire.join(lab, 4);
  t.after(() => wire.close());
  for (let round = 0; round < 2; round++) {
    wire.send("40/static,");
    assert.match(await wire.next(), /^40\/static,\{"sid":"[^"]+"\}$/);
    assert.equal(await wire.next(), '42/static,["welcome","/static"]');
    wire.send('42/static,12["echo","x"]');
    assert.equal(await wire.next(), '43/static,12["x"]');
    wire.send("41/static,");
    wire.send('421["echo"]');
    assert.equal(await wire.next(), "431[]");
  }
});

bothVersions("an unknown namespace is answered with an error, and the connection lives", async (t, eio) => {
  const wire = await Wire.join(lab, eio);
  t.after(() => wire.close());
  wire.send("40/nowhere,");
  assert.equal(await wire.next(), '44/nowhere,{"message":"Invalid namespace"}');
  wire.send('42["echo"]');
  assert.equal(await wire.next(), '42["echo"]');
});

promise("a refusal carries message and data in version 5, and the data alone in version 4", async (t) => {
  const [now, then] = await Promise.all([Wire.join(lab, 4), Wire.join(lab, 3)]);
  t.after(() => (now.close(), then.close()));
  now.send('40/guarded,{"token":"wrong"}');
  then.send("40/guarded?token=wrong,");
  assert.equal(await now.next(), '44/guarded,{"message":"not allowed","data":{"code":"E_TOKEN","retry":false}}');
  assert.equal(await then.next(), '44/guarded,{"code":"E_TOKEN","retry":false}');
  now.send("40/plainly-guarded,");
  then.send("40/plainly-guarded,");
  assert.equal(await now.next(), '44/plainly-guarded,{"message":"not today"}');
  assert.equal(await then.next(), '44/plainly-guarded,"not today"');
});

promise("version 4 gives a namespace its auth as a query", async (t) => {
  const wire = await Wire.join(lab, 3);
  t.after(() => wire.close());
  wire.send("40/guarded?token=sesame&other=1,");
  assert.equal(await wire.next(), "40/guarded,");
  assert.equal(await wire.next(), '42/guarded,["welcome","/guarded",["first","second"]]');
});

bothVersions("an ack carries the id and the arguments", async (t, eio) => {
  const wire = await Wire.join(lab, eio);
  t.after(() => wire.close());
  wire.send('42456["echo",1,"two",{"three":[3]}]');
  assert.equal(await wire.next(), '43456[1,"two",{"three":[3]}]');
  wire.send('4299999["echo"]');
  assert.equal(await wire.next(), "4399999[]");
});

bothVersions("an ack that nobody waits for is let pass", async (t, eio) => {
  const wire = await Wire.join(lab, eio);
  t.after(() => wire.close());
  wire.send('43123["to whom?"]');
  wire.send('42["echo"]');
  assert.equal(await wire.next(), '42["echo"]');
});

promise("an event's name may be a number", async (t) => {
  const wire = await Wire.join(lab, 4);
  t.after(() => wire.close());
  wire.send("42[1,2]");
  wire.send('42["echo"]');
  assert.equal(await wire.next(), '42["echo"]');
});

promise("attachments follow their packet in order, and come back in order", async (t) => {
  const wire = await Wire.join(lab, 4);
  t.after(() => wire.close());
  const packet = '452-7["echo",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]';
  wire.send(packet);
  wire.send(Buffer.from("first"));
  wire.send(Buffer.from("second"));
  assert.equal(await wire.next(), '462-7[{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]');
  assert.deepEqual(
    [await wire.next(), await wire.next()],
    [{ binary: Buffer.from("first") }, { binary: Buffer.from("second") }],
  );
});

const REFUSED = {
  "an unknown packet type": ["49"],
  "an event that is no list": ['42{"a":1}'],
  "an event without a name": ["42[]", "42[null]", '42[{"a":1}]'],
  "an event that is no JSON": ["42[", "42abc"],
  "an event with a reserved name": [
    '42["connect"]',
    '42["connect_error"]',
    '42["disconnect"]',
    '42["disconnecting"]',
    '42["newListener"]',
    '42["removeListener"]',
  ],
  "an ack that is no list": ['431{"a":1}'],
  "binary that nobody announced": [Buffer.from([1, 2, 3])],
  "a packet without its count of attachments": ['45["echo"]', '45-["echo"]', '4511-["echo"]', '45x-["echo"]'],
  "text where an attachment is due": ['451-["echo",{"_placeholder":true,"num":0}]', '42["echo"]'],
};

// The last of a kind whose parts belong together; the others are refused one by one.
const TOGETHER = ["text where an attachment is due"];

for (const [what, packets] of Object.entries(REFUSED)) {
  promise(`${what} ends the session`, async (t) => {
    const attempts = TOGETHER.includes(what) ? [packets] : packets.map((packet) => [packet]);
    for (const [i, attempt] of attempts.entries()) {
      const tag = `${what} ${i}`;
      const wire = await Wire.join(lab, 4, { tag });
      for (const packet of attempt) wire.send(packet);
      await wire.closed();
      await assertReason(t, lab, tag, "forced close");
    }
  });
}

const OUT_OF_PLACE = {
  "an event for a namespace that was not joined": '42/static,["echo"]',
  "a request to join where one is already": "40",
  "an error packet": '44{"message":"x"}',
};

for (const [what, packet] of Object.entries(OUT_OF_PLACE)) {
  promise(`${what} ends the session`, async (t) => {
    const wire = await Wire.join(lab, 4, { tag: what });
    wire.send(packet);
    await wire.closed();
    await assertReason(t, lab, what, "forced close");
  });
}

promise("an event before joining ends the session", async () => {
  const wire = await Wire.dial(lab, { EIO: 4 });
  await wire.next();
  wire.send('42["echo"]');
  await wire.closed();
});

promise("a client that joins nothing is let go", async () => {
  const wire = await Wire.dial(hasty, { EIO: 4 });
  await wire.next();
  await wire.closed();
});

promise("a client that has joined stays past that time", async (t) => {
  const [joined, idle] = await Promise.all([Wire.join(hasty, 4), Wire.dial(hasty, { EIO: 4 })]);
  t.after(() => joined.close());
  await idle.closed();
  joined.send('42["echo"]');
  assert.equal(await joined.next(), '42["echo"]');
});
