// Writes what the reference (npm socket.io-parser 4) makes of the inputs below:
//   node vectors.cjs NODE_MODULES > vectors.json
const { join, resolve } = require("path");
const { Encoder, Decoder } = require(join(resolve(process.argv[2]), "socket.io-parser"));

// A Buffer becomes {"$": hex}; nothing below has such an object of its own.
const shown = (value) => {
  if (Buffer.isBuffer(value)) return { $: value.toString("hex") };
  if (Array.isArray(value)) return value.map(shown);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shown(v)]));
  return value;
};

const files = [Buffer.from([1, 2, 3, 4]), Buffer.from([]), Buffer.from("third")];
const decode = (text) => {
  let packet = null;
  const decoder = new Decoder();
  decoder.on("decoded", (p) => { packet = p; });
  try {
    decoder.add(text);
    for (const file of files) if (decoder.reconstructor) decoder.add(file);
  } catch (e) {
    return { text, error: e.message };
  }
  return { text, type: packet.type, nsp: packet.nsp, id: packet.id ?? null, data: packet.data === undefined ? null : JSON.stringify(shown(packet.data)) };
};

const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
const decoded = [
  "0", '0{"token":"123"}', "0/admin,", "0/admin", "0/admin?token=1234&uid=abcd,", "0/admin?token=x", '0/admin,{"a":[1,{"b":null}]}', '0"x"', "0[]", "0null", "0{",
  "1", "1/admin,", "1/admin", '1"x"', "1{}", "1[]",
  '2["a"]', '2["a",1,null,true,{"b":[]}]', '2/admin,["bar"]', '212["foo"]', '2/admin,456["project:delete",123]', '2 ["a"] '.replace(" ", ""), '2["a" , 1 ]', '2[ "a"]',
  "2[]", "2{}", "2null", "2[null]", '2[{"toString":"x"}]', "2[true]", "2[[]]", '2"a"', "2a", '2["a"', '2["a"]]', '2["a",]', "2[1]", '2[1,"x"]', "2[1.0]", "2[-0]", "2[1e3]", "2[1e21]", "2[0.1]", "2[9007199254740993]",
  '2["connect"]', '2["connect_error"]', '2["disconnect"]', '2["disconnecting"]', '2["newListener"]', '2["removeListener"]', '2["\\u0063onnect"]', '2["error"]', '2["message"]', '2["__proto__"]', '2[""]', '2["说",  "😀"]', '2["\\ud83d\\ude00"]',
  "3[]", "312[]", '3/admin,13["bar"]', "31", "3{}", '31"x"', "30[1]", "3007[1]",
  '4"Not authorized"', '4{"message":"Not authorized"}', "4", "4[]", "41",
  "7", "8[]", "abc", "-1", '42abc["message",1]',
  `51-["baz",${placeholder(0)}]`, `51-/admin,456["project:delete",${placeholder(0)}]`, `52-["baz",${placeholder(1)},{"deep":[${placeholder(0)}]}]`, `61-15["bar",${placeholder(0)}]`, `61-/admin,1[${placeholder(0)}]`,
  `51-["a",{"num":0,"_placeholder":true,"more":1}]`, `51-["a",{"_placeholder":true,"num":0,"in":${placeholder(0)}}]`, `52-["a",${placeholder(0)},${placeholder(0)}]`, '51-["a"]', `51-["a",{"_placeholder":false,"num":7}]`, `51-["a",{"_placeholder":1,"num":7}]`, `51-["a",{"num":7}]`,
  `51-["a",{"_placeholder":false,"_placeholder":true,"num":7,"num":0}]`, `51-["a",{"_pl\\u0061ceholder":true,"n\\u0075m":0}]`,
  `51-["a",${placeholder('"splice"')}]`, `51-["a",${placeholder("-1")}]`, `51-["a",${placeholder("1")}]`, `51-["a",${placeholder("1e9")}]`, `51-["a",${placeholder("99999999999999999999")}]`, `51-["a",${placeholder("null")}]`, `51-["a",${placeholder("[0]")}]`, '51-["a",{"_placeholder":true}]', `61-1[${placeholder('"0"')}]`,
  `2["a",${placeholder(0)}]`, `2["a",${placeholder('"x"')}]`,
  '50-["a"]', "60-[]", '5["a"]', '5-["a"]', '511-["a"]', '5999999-["a"]', '51["a"]', '5a-["a"]', '51.5-["a"]', '5-1-["a"]', '51-["connect"]', "51-[]", "51-{}", "51", "6", "61-1{}",
  "01", '0/a,b{}', '0,{}', '2/,["a"]', '2/a,1["b"]',
].map(decode);

// Arguments in JSON, with {"$": hex} for binaries.
const revived = (json) => JSON.parse(json, (_, v) => (v && typeof v.$ === "string" ? Buffer.from(v.$, "hex") : v));
const encode = (type, nsp, id, json) => {
  const [text, ...attachments] = new Encoder().encode({ type, nsp, id: id ?? undefined, data: json === null ? undefined : revived(json) });
  return { type, nsp, id, json, text, attachments: attachments.map((b) => b.toString("hex")) };
};
const encoded = [
  [0, "/", null, null], [0, "/admin", null, null], [0, "/", null, '{"sid":"x"}'], [0, "/admin", null, '{"sid":"x"}'], [1, "/", null, null], [1, "/admin", null, null],
  [4, "/", null, '{"message":"Not authorized"}'], [4, "/admin", null, '"Not authorized"'],
  [2, "/", null, '["foo"]'], [2, "/admin", null, '["bar",1,-2.5,true,null,"x"]'], [2, "/", 12, '["foo"]'], [2, "/", 0, '["foo"]'], [2, "/admin", 456, '["project:delete",123]'],
  [2, "/", null, '["\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f<>&","说 😀","é"]'], [2, "/", null, '["a",{"b":[{"c":"<"}]},[]]'],
  [3, "/", 12, "[]"], [3, "/admin", 13, '["bar"]'],
  [2, "/", null, '["baz",{"$":"01020304"}]'], [2, "/admin", 7, '["baz",{"$":""},"x",{"$":"ff"}]'], [2, "/", null, '["a",{"b":[1,{"c":{"$":"01"}},{"$":"02"}]},{"$":"03"}]'], [3, "/", 15, '[{"$":"0a"}]'], [3, "/a", 15, '["bar",[{"$":"0a"}]]'],
].map((a) => encode(...a));

process.stdout.write(JSON.stringify({ decoded, encoded }, null, 1) + "\n");
