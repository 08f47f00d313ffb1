"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { load } = require("./browser");

const { bytes } = load(["cut", "playground/bytes"], { Uint8Array });
const pictureOf = (data) => bytes.pictureType(bytes.hex(Buffer.from(data, "latin1")));

test("a text is as long as its UTF-8, lone surrogates included", () => {
  for (const text of ["", "abc", "é", "世界", "😀", "a😀b", "\ud83d", "\ude00", "\ud83d\ud83d\ude00", "\ude00\ud83d", "\u0000\u007f\u0080\u07ff\u0800\uffff"]) {
    assert.strictEqual(bytes.utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
  }
});

test("hex has two digits for each byte", () => {
  assert.strictEqual(bytes.hex(Uint8Array.of(0, 1, 15, 16, 255)), "00 01 0f 10 ff");
  assert.strictEqual(bytes.hex(new Uint8Array(0)), "");
});

test("a picture is told by its first bytes, and nothing else is one", () => {
  assert.strictEqual(pictureOf("\x89PNG\r\n\x1a\n"), "image/png");
  assert.strictEqual(pictureOf("\xff\xd8\xff\xe0"), "image/jpeg");
  assert.strictEqual(pictureOf("GIF89a"), "image/gif");
  assert.strictEqual(pictureOf("RIFF\x10\x00\x00\x00WEBPVP8 "), "image/webp");
  for (const none of ["", "\x89PN", "<svg xmlns='http://www.w3.org/2000/svg'/>", "RIFF\x10\x00\x00\x00WAVE", " \x89PNG\r\n\x1a\n"]) {
    assert.strictEqual(pictureOf(none), "", none);
  }
});
