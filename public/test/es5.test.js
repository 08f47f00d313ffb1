// The page and its old client must parse, and find what they call, in browsers as old as IE 9.
"use strict";

const test = require("node:test");
const assert = require("node:assert");
const acorn = require("acorn");
const { read, names } = require("./browser");

const scripts = names("js").concat(names("playground/js"));
const parse = (text) => acorn.parse(text, { ecmaVersion: 5, locations: true });

test("the parser refuses what is newer than ES5", () => {
  for (const text of ["let a = 1;", "() => 1;", "`a`;", "f(a,);", "({ a });", "async function f() {}", "for (var a of b) {}"]) {
    assert.throws(() => parse(text), SyntaxError, text);
  }
});

for (const name of scripts) {
  test(name + " is ES5", () => { parse(read(name)); });
}

for (const name of ["node_modules/socket.io-client-2/dist/socket.io.js", "node_modules/socket.io-client/dist/socket.io.min.js"]) {
  test(name + " is ES5", () => { parse(read(name)); });
}

// What IE 9 lacks, and ways to turn text into markup or code. "Intl" and "matchMedia" are asked for as properties of window.
const missing = new Set(["classList", "dataset", "closest", "remove", "append", "prepend", "replaceWith", "includes", "startsWith",
  "endsWith", "padStart", "assign", "findIndex", "fetch", "Promise",
  "Map", "Set", "WeakMap", "Symbol", "Proxy", "URL", "URLSearchParams", "requestAnimationFrame", "console", "let",
  "innerHTML", "outerHTML", "insertAdjacentHTML", "write", "writeln", "eval", "Function", "createContextualFragment", "srcdoc"]);

function walk(node, visit, parent) {
  visit(node, parent);
  for (const key of Object.keys(node)) {
    for (const child of [].concat(node[key])) {
      if (child && typeof child.type === "string") { walk(child, visit, node); }
    }
  }
}

// Names that a program takes from the browser; the keys of its own objects are its own.
function offences(text) {
  const found = [];
  walk(parse(text), (node, parent) => {
    if (node.type !== "Identifier" || !missing.has(node.name) || !parent) { return; }
    const isKey = parent.type === "Property" && parent.key === node && parent.value !== node;
    if (!isKey) { found.push(node.name + " in line " + node.loc.start.line); }
  });
  return found;
}

test("the search for newer features finds them", () => {
  assert.deepStrictEqual(offences("a.classList.add('b');\nnew Promise(c);\nd.innerHTML = e;"),
    ["classList in line 1", "Promise in line 2", "innerHTML in line 3"]);
});

for (const name of scripts) {
  test(name + " needs nothing newer than IE 9, and makes no markup from text", () => {
    assert.deepStrictEqual(offences(read(name)), []);
  });
}
