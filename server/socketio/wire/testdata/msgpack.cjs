// Writes the packets of msgpack_vectors_test.go, as clients have socket.io-msgpack-parser encode them:
//   node msgpack.cjs NODE_MODULES
const { join, resolve } = require("path");
const p3 = require(join(resolve(process.argv[2]), "socket.io-msgpack-parser"));
const p2 = require(join(resolve(process.argv[2]), "socket.io-msgpack-parser-2.2.1"));

const out = [];
const enc3 = (packet) => new p3.Encoder().encode(packet)[0];
const options = { compress: true };
const add = (name, packet) => out.push([name, enc3(packet).toString("hex")]);
add("connect", { type: 0, data: undefined, nsp: "/" });
add("connect with auth", { type: 0, data: { token: "abc", n: 1, pid: "x" }, nsp: "/admin" });
add("connect with bytes", { type: 0, data: { key: Buffer.from([1, 2, 3]) }, nsp: "/" });
add("event", { type: 2, data: ["say", "hello", { deep: [1, true, null] }], options, nsp: "/" });
add("event with id", { type: 2, data: ["say", "hello"], options, id: 300, nsp: "/chat" });
add("integers", { type: 2, data: ["n", 0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 9007199254740991, 18446744073709551615, -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -9007199254740991], options, nsp: "/" });
add("floats", { type: 2, data: ["n", 0.1, -1.5, 1e-7, 1.5e-10, 1e21, 1.7976931348623157e308, 5e-324, NaN, Infinity, -Infinity, -0], options, nsp: "/" });
add("strings", { type: 2, data: ["s", "", "quote \" and \\ and \n and \u0001", "é漢字😀", "x".repeat(40)], options, nsp: "/" });
add("undefined", { type: 2, data: ["u", undefined, { a: undefined, b: 1, c: undefined }, { d: undefined }], options, nsp: "/" });
add("dates", { type: 2, data: ["d", new Date(0), new Date(Date.UTC(2026, 10, 30, 5, 45, 23, 7)), new Date(-1), new Date(8.64e15), new Date(-8.64e15), new Date(Date.UTC(-1, 0))], options, nsp: "/" });
add("bytes", { type: 2, data: ["b", Buffer.from([0, 1, 255]), { in: [Buffer.alloc(0), Buffer.from([7])] }], options, nsp: "/" });
add("array buffers", { type: 2, data: ["b", new Uint8Array([1, 2, 3]).buffer, new Uint8Array([9, 8])], options, nsp: "/" });
add("long array", { type: 2, data: ["a", Array.from({ length: 20 }, (_, i) => i)], options, nsp: "/" });
add("long object", { type: 2, data: ["o", Object.fromEntries(Array.from({ length: 17 }, (_, i) => ["k" + i, i]))], options, nsp: "/" });
add("ack", { type: 3, id: 0, data: ["ok", Buffer.from("x")], nsp: "/" });
add("disconnect", { type: 1, nsp: "/" });
const enc2 = (name, packet) => new p2.Encoder().encode(packet, ([e]) => out.push([name, typeof e === "string" ? e : e.toString("hex")]));
enc2("2.x event", { type: 2, data: ["say", "hello"], options, id: 0, nsp: "/" });
enc2("2.x binary event", { type: 5, data: ["b", Buffer.from([1])], options, nsp: "/" });
enc2("2.x binary ack", { type: 6, id: 7, data: [Buffer.from([2])], nsp: "/" });
enc2("2.x connect", { type: 0, query: "token=a,b", nsp: "/chat?token=a,b" });
enc2("2.x disconnect", { type: 1, nsp: "/chat" });
for (const line of out) console.log(line.join(" "));
