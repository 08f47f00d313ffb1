// A window with the chat page in it: as much of a document as the page uses, and a server that the test plays.
"use strict";

const { EventEmitter } = require("node:events");
const { load, makeClock, read } = require("./browser");

class Node {
  constructor(tag) {
    Object.assign(this, {
      tagName: tag, childNodes: [], parentNode: null, attributes: {}, className: "", style: {}, value: "", title: "",
      scrollTop: 0, scrollHeight: 0, clientHeight: 0, offsetHeight: 0, events: new EventEmitter()
    });
  }
  get firstChild() { return this.childNodes[0] || null; }
  get lastChild() { return this.childNodes[this.childNodes.length - 1] || null; }
  get nextSibling() { return this.parentNode.childNodes[this.parentNode.childNodes.indexOf(this) + 1] || null; }
  get text() { return this.data === undefined ? this.childNodes.map((child) => child.text).join("") : this.data; }
  get pathname() { return new URL(this.href, "http://crier.example/").pathname; }
  get hidden() { return "hidden" in this.attributes; }
  appendChild(child) { return this.insertBefore(child, null); }
  insertBefore(child, before) {
    if (child.parentNode) { child.parentNode.removeChild(child); }
    child.parentNode = this;
    this.childNodes.splice(before ? this.childNodes.indexOf(before) : this.childNodes.length, 0, child);
    return child;
  }
  removeChild(child) {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    child.parentNode = null;
  }
  getAttribute(name) { return name in this.attributes ? this.attributes[name] : null; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  removeAttribute(name) { delete this.attributes[name]; }
  addEventListener(type, run) { this.events.on(type, run); }
  does(type, values) { this.events.emit(type, Object.assign({ preventDefault() {} }, values)); }
  focus() {}
  all(className) {
    const own = (" " + this.className + " ").includes(" " + className + " ") ? [this] : [];
    return own.concat(...this.childNodes.map((child) => child.all(className)));
  }
}

function makeDocument() {
  const nodes = {};
  for (const [, id] of read("index.html").matchAll(/ id="([\w-]+)"/g)) { nodes[id] = new Node("div"); }
  const root = new Node("html");
  root.setAttribute("data-path", "socket.io/");
  return {
    nodes, title: "Crier", readyState: "complete", hidden: false, documentElement: root, body: new Node("body"),
    addEventListener() {},
    getElementById: (id) => nodes[id] || null,
    getElementsByTagName: () => [],
    createElement: (tag) => new Node(tag),
    createTextNode: (data) => Object.assign(new Node(), { data })
  };
}

// One browser: what it keeps is shared by its pages. clock is theirs.
function openBrowser() {
  const kept = {};
  return {
    kept, clock: makeClock(),
    localStorage: {
      getItem: (key) => (key in kept ? kept[key] : null), setItem: (key, value) => { kept[key] = String(value); },
      removeItem: (key) => { delete kept[key]; }
    }
  };
}

// The client's end of a connection. What the page emits is in sent, as {event, args, answer}.
class Socket extends EventEmitter {
  constructor(options) {
    super();
    Object.assign(this, { options, connected: false, active: true, sent: [], io: {} });
  }
  connect() { this.active = true; }
  disconnect() { this.connected = false; }
  send(...args) { this.deliver("message", args); }
  deliver(event, args) { this.sent.push({ event, args: args.slice(0, -1), answer: args[args.length - 1] }); }
  up() {
    this.connected = true;
    this.io.engine = Object.assign(new EventEmitter(), { transport: { name: "websocket" } });
    this.hears("connect");
  }
  down(reason) {
    this.connected = false;
    this.hears("disconnect", reason);
  }
  hears(event, ...args) { super.emit(event, ...args); }
  last(event) { return this.sent.filter((one) => one.event === event).pop(); }
}

// Opens the page in a browser. Without storage, the browser keeps nothing.
function openPage(browser, { storage = true, language = "en" } = {}) {
  const document = makeDocument();
  const page = { nodes: document.nodes, socket: null, clock: browser.clock };
  const window = Object.assign({
    document, navigator: { language }, location: { search: "" }, addEventListener() {},
    crypto: globalThis.crypto, Uint8Array, setInterval: () => 0, clearInterval() {},
    io: (options) => {
      const socket = new Socket(options);
      page.socket = socket;
      socket.emit = (event, ...args) => socket.deliver(event, args);
      return socket;
    }
  }, browser.clock);
  if (storage) { window.localStorage = browser.localStorage; }
  const append = document.body.appendChild;
  document.body.appendChild = (node) => { append.call(document.body, node); node.onload(); };
  const files = [...read("index.html").matchAll(/<script src="js\/(\w+)\.js">/g)].map((match) => match[1]);
  page.Crier = load(files, window);
  browser.clock.advance(0);
  page.say = (text) => {
    document.nodes.text.value = text;
    document.nodes.composer.does("submit");
  };
  page.entries = () => document.nodes.log.all("entry");
  page.texts = () => page.entries().map((entry) => entry.all("said")[0].text);
  // The server registers the speaker under this id.
  page.joins = (id, answer) => {
    page.socket.up();
    const usual = { name: "Ann", id, count: 1, names: ["Ann"], first: 1, offset: 0 };
    page.socket.last("f").answer(Object.assign(usual, answer));
  };
  return page;
}

module.exports = { openBrowser, openPage };
