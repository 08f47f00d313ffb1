// Where to connect: an endpoint of this server, or any WebSocket address of this host.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  // The page lies one folder deep; so do the endpoints' paths begin beside it.
  var endpoints = {
    echo: { path: "../ws/echo", protocol: "crier.v1.text" },
    hello: { path: "../ws/hello", protocol: "crier.v1.text" },
    websocket: { path: "../websocket", protocol: "crier.v1.text" },
    chat: { path: "../ws/chat", protocol: "crier.v1.text" },
    news: { path: "../ws/news", protocol: "crier.v1.json" }
  };

  // A link resolves an address as the browser does.
  function link(address) {
    var node = document.createElement("a");
    node.href = address;
    // Internet Explorer fills in the parts only when it is given a whole address.
    node.href = String(node.href);
    return node;
  }

  // The WebSocket address of a path, or of an address with http or ws; "" for anything else.
  function resolve(address) {
    var whole = link(address.replace(/^ws(s?:)/i, "http$1"));
    return whole.hostname && /^https?:/.test(whole.href) ? whole.href.replace(/^http/, "ws") : "";
  }

  function isHere(url) {
    return link(url.replace(/^ws/, "http")).hostname === window.location.hostname;
  }

  // Names of subprotocols, by commas or spaces.
  function list(text) {
    return text.split(/[\s,]+/).filter(function (name) { return name !== ""; });
  }

  // chosen(name) runs when another endpoint, or an address of the user's own ("other"), is meant.
  function Address(chosen) {
    this.chosen = chosen;
    this.choice = dom.byId("endpoint");
    this.url = dom.byId("url");
    this.protocols = dom.byId("protocols");
    this.listen();
    this.choose();
  }

  Address.prototype.listen = function () {
    var self = this;
    dom.on(this.choice, "change", function () { self.choose(); });
    dom.on(this.url, "input", function () { self.typed(); });
  };

  Address.prototype.choose = function () {
    var endpoint = endpoints[this.choice.value];
    if (endpoint) {
      this.url.value = resolve(endpoint.path);
      this.suggest(endpoint.protocol);
    }
    this.draw();
    this.chosen(this.choice.value);
    if (!endpoint) {
      this.url.focus();
    }
  };

  // A subprotocol that this page has suggested makes room for that of the endpoint; the user's own stays.
  Address.prototype.suggest = function (protocol) {
    if (/^crier\.v1\.(text|json)$/.test(this.protocols.value)) {
      this.protocols.value = protocol;
    }
  };

  Address.prototype.typed = function () {
    var name;
    this.choice.value = "other";
    for (name in endpoints) {
      if (resolve(this.url.value) === resolve(endpoints[name].path)) {
        this.choice.value = name;
      }
    }
    this.draw();
    this.chosen(this.choice.value);
  };

  // Returns {url, protocols}, or null after saying what is wrong.
  Address.prototype.read = function () {
    var url = resolve(this.url.value.replace(/^\s+|\s+$/g, ""));
    var wrong = "";
    if (!url) {
      wrong = Crier.words.say("badUrl");
    } else if (!isHere(url)) {
      wrong = Crier.words.say("foreignUrl", { host: window.location.hostname });
    }
    Crier.complain("url", wrong);
    return wrong ? null : { url: url, protocols: list(this.protocols.value) };
  };

  Address.prototype.draw = function () {
    var say = Crier.words.say;
    var hints = {
      echo: say("echoHint"), hello: say("helloHint"), websocket: say("helloHint"), chat: say("chatHint"), news: say("newsHint")
    };
    dom.text(dom.byId("endpoint-hint"), hints[this.choice.value] || say("otherHint"));
    Crier.complain("url", "");
  };

  Crier.Address = Address;
  Crier.address = { resolve: resolve, list: list };
})(window.Crier = window.Crier || {});
