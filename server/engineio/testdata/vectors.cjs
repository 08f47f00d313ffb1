// Writes what the reference (npm engine.io 6 with its engine.io-parser) makes of the inputs below:
//   node vectors.cjs NODE_MODULES > vectors.json
const { join } = require("path");
const at = (name) => require(join(require("path").resolve(process.argv[2]), name));
const v3 = at("engine.io/build/parser-v3");
const v4 = at("engine.io-parser");
const { JSONP } = at("engine.io/build/transports/polling-jsonp.js");

const hex = (s) => Buffer.from(s).toString("hex");
const packet = ({ type, data }) => {
  const binary = Buffer.isBuffer(data);
  return { type, binary, data: hex(data ?? "") };
};
const result = (packets) => {
  const error = packets.findIndex((p) => p.type === "error");
  return { packets: (error < 0 ? packets : packets.slice(0, error)).map(packet), error: error >= 0 };
};

const messages = [];
for (const s of ["", "0", "1", "2", "2probe", "3probe", "4", "4hello", "4€", "4😀 é", "5", "6", "7", "9", "a", " ", "-", "4b", "é"])
  for (const version of [3, 4])
    messages.push({ version, binary: false, body: hex(s), ...result([version === 3 ? v3.decodePacket(s) : v4.decodePacket(s)]) });
for (const s of ["b4AQIDBA==", "b4AQIDBA", "b4", "b2AA=="])
  messages.push({ version: 3, binary: false, body: hex(s), ...result([v3.decodePacket(s)]) });
for (const s of ["bAQIDBA==", "bAQIDBA", "b", "b+/+/"])
  messages.push({ version: 4, binary: false, body: hex(s), ...result([v4.decodePacket(s)]) });
for (const b of [[4, 1, 2], [4], [2, 0xff], [6], [0]])
  messages.push({ version: 3, binary: true, body: hex(b), ...result([v3.decodePacket(Buffer.from(b))]) });
for (const b of [[4, 1, 2], [], [0xff]])
  messages.push({ version: 4, binary: true, body: hex(b), ...result([v4.decodePacket(Buffer.from(b))]) });

const payloads = [];
const decoded = (version, body) => {
  if (version === 4) return result(v4.decodePayload(body));
  const packets = [];
  v3.decodePayload(body, (p) => void packets.push(p));
  return result(packets);
};
const text3 = ["", "0:", "0:0:", "1:4", "1:41:4", "6:4hello", "6:4hello2:4€", "2:4€", "3:4😀", "8:4😀é说x\n:", "6:4hello10:b4AQIDBA==", "1:25:4test",
  "2:4", "7:4hello", "5:4hello", "1000000000:4", "99999999999999999999999:4", ":4", "a:4", "4hello", "11", "1", "1:", "1:7", "1:a", "6:4hello1:7", "6:4hello99:4",
  "05:4test", "1:4x", "1.5:4a", "-1:4", "1:4:", "3:4\u0000\u001e", "6:4a:b:c"];
const text4 = ["", "4", "4hello", "4hello\x1e2\x1e4world", "4hello\x1ebAQIDBA==", "\x1e", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "7", "4a\x1e7\x1e4b", "4€😀\x1e4é", "b", "4\n\r\t", "abc", "2probe\x1e5"];
for (const s of text3) payloads.push({ version: 3, binary: false, body: hex(s), ...decoded(3, s) });
for (const s of text4) payloads.push({ version: 4, binary: false, body: hex(s), ...decoded(4, s) });
const binary3 = ["", "0006ff3468656c6c6f0105ff0401020304", "0004ff34e282ac0104ff04010203", "0006ff34f09f9880780103ff040102", "0001ff32", "0101ff04", "000105ff" + "34".padEnd(30, "61"),
  "0003ff34ffff", "0001ff37", "000100ff" + hex("b4AQIDBA=="), "00000001ff34", "0001", "00"];
for (const h of binary3) payloads.push({ version: 3, binary: true, body: h, ...decoded(3, Buffer.from(h, "hex")) });

const encodings = [];
const sets = [
  [], [{ type: "message", data: "hello" }], [{ type: "message", data: "hello" }, { type: "pong", data: "probe" }, { type: "noop" }],
  [{ type: "open", data: JSON.stringify({ sid: "x", upgrades: ["websocket"] }) }, { type: "message", data: "0" }],
  [{ type: "message", data: Buffer.from([1, 2, 3, 4]) }], [{ type: "message", data: "a" }, { type: "message", data: Buffer.from([]) }, { type: "message", data: "b" }],
  [{ type: "message", data: "€ é" }, { type: "message", data: Buffer.from([255]) }],
  [{ type: "message", data: "😀😀😀 long enough for strides" }, { type: "message", data: Buffer.alloc(300, 7) }],
];
const textOnly = [[{ type: "message", data: "€" }], [{ type: "message", data: "😀 说" }, { type: "message", data: "twelve chars" }]];
const encoded = (version, b64, packets) => {
  const done = (body) => encodings.push({ version, b64, packets: packets.map(packet), binary: Buffer.isBuffer(body), body: hex(body) });
  if (version === 3) v3.encodePayload(packets, !b64, done);
  else if (packets.length) v4.encodePayload(packets, done);
};
for (const set of sets) for (const [v, b64] of [[3, false], [3, true], [4, false]]) encoded(v, b64, set);
for (const set of textOnly) for (const [v, b64] of [[3, true], [4, false]]) encoded(v, b64, set);

// JSONP is made to write into, and read from, thin air.
const transport = Object.create(JSONP.prototype);
const forms = [];
for (const d of ["2:40", "6:4hello", "a+b", "a%2Bb", "%E8%AF%B4", "4%5Cn", "4%5C%5Cn", "4%5C%5C%5Cn", "4%5C%5C%5C%5Cn", "%5Cn%5C%5Cn%5C%5C%5Cnn", "n", "%5C", "%5C%5C", "100%", "%zz%4", "%e4%BD%a0", "", "a%26b%3Dc"]) {
  let data = null;
  const parent = Object.getPrototypeOf(JSONP.prototype);
  const original = parent.onData;
  parent.onData = (s) => { data = s; };
  transport.onData("d=" + d);
  parent.onData = original;
  forms.push({ body: "d=" + d, data });
}

process.stdout.write(JSON.stringify({ messages, payloads, encodings, forms }, null, 1) + "\n");
