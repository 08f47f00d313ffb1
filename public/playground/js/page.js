// The playground: who tells whom. Each part knows its own concern only.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var say = Crier.words.say;
  // What the heartbeat closes with: of the application's own codes.
  var unanswered = { code: 4000, reason: "no pong in time" };

  var log = new Crier.Log();
  var connection = new Crier.Connection({
    calling: calling, refused: refused, opened: opened, heard: heard, failed: failed, closed: closed
  });
  var reconnect = new Crier.Reconnect(function () { connect(last); });
  var heartbeat = new Crier.Heartbeat(function () { send("ping"); }, dead);
  var facts = new Crier.Facts(connection, reconnect);
  var files = new Crier.Files(connection, send, function (words) { record("note", "slices", words); });
  var address = new Crier.Address(function (name) { dom.show(dom.byId("news"), name === "news"); });
  // Where the newest socket went: a reconnect goes there, whatever the fields say by then.
  var last = null;

  function record(kind, name, words, text) {
    var made = new Crier.Record({ kind: kind, name: name, words: words, text: text });
    log.add(made);
    return made;
  }

  function draw() {
    var state = connection.readyState();
    var busy = state === 0 || state === 1;
    disable("connect", busy);
    disable("close", !busy && state !== 2 && !reconnect.isWaiting());
    facts.draw();
  }

  // Not by "disabled", which would take the focus from the button that was just pressed.
  function disable(id, wanted) {
    dom.byId(id).setAttribute("aria-disabled", wanted ? "true" : "false");
  }

  // What a message is: a function, since the language may change.
  function describe(data) {
    var bytes = Crier.bytes.size(data);
    if (typeof data === "string") {
      return function () { return say("textWords", { chars: data.length, bytes: bytes }); };
    }
    return function () { return say("binaryWords", { type: data.byteLength === undefined ? "Blob" : "ArrayBuffer", bytes: bytes }); };
  }

  function connect(target) {
    last = target;
    reconnect.stop();
    connection.open(target.url, target.protocols, dom.byId("binary-type").value);
    draw();
  }

  function send(data) {
    var state = Crier.Facts.state(connection.readyState());
    var what = describe(data);
    var waiting;
    if (!connection.isOpen()) {
      record("failed", "send()", function () { return say("notOpen", { state: state }); });
      return false;
    }
    if (!connection.send(data)) {
      return false;
    }
    waiting = connection.bufferedAmount();
    record("sent", "send()", function () { return what() + say("buffered", { n: waiting }); },
      typeof data === "string" ? data : undefined);
    facts.draw();
    return true;
  }

  function calling(url, protocols) {
    record("note", "new WebSocket()", function () {
      return url + (protocols.length ? say("asking", { names: protocols.join(", ") }) : "");
    });
  }

  function refused(error) {
    record("failed", String(error.name), function () { return String(error.message); });
    draw();
  }

  function opened() {
    var agreed = { protocol: connection.socket.protocol, extensions: connection.socket.extensions };
    record("opened", "open", function () { return say("openWords", agreed); });
    beat();
    draw();
  }

  function heard(data) {
    var isText = typeof data === "string";
    var made = record("received", "message", describe(data), isText ? data : undefined);
    heartbeat.heard(data);
    if (!isText) {
      made.addBinary(data, function () { log.grown(); }, function (image) { files.pictured(image); });
    }
  }

  function failed() {
    record("failed", "error", function () { return say("errorWords"); });
    draw();
  }

  function closed(ending) {
    heartbeat.stop();
    record("closed", "close", function () {
      return say("closeWords", {
        code: ending.code, meaning: Crier.codes.meaning(ending.code), reason: ending.reason, clean: ending.clean
      }) + (ending.givenUp ? ". " + say("givenUp") : "");
    });
    comeBack(ending);
    draw();
  }

  function comeBack(ending) {
    var wanted = reconnect.wants(ending);
    if (wanted) {
      reconnect.start();
    }
    if (wanted || reconnect.on) {
      record("note", "reconnect", function () { return say(wanted ? "comingBack" : ending.asked ? "stayedAsked" : "stayedDone"); });
    }
  }

  function dead() {
    record("failed", "heartbeat", function () { return say("noPong"); });
    connection.drop(unanswered.code, unanswered.reason);
    draw();
  }

  // The heartbeat as the fields have it now.
  function beat() {
    var interval = Crier.number("beat-interval");
    var patience = Crier.number("beat-patience");
    heartbeat.stop();
    if (dom.byId("beat").checked && connection.isOpen() && interval !== null && patience !== null) {
      heartbeat.start(interval * 1000, patience * 1000);
    }
  }

  function close() {
    var code = dom.byId("code").value.replace(/\s/g, "");
    var reason = dom.byId("reason").value;
    var objection = Crier.codes.objection(code, reason);
    Crier.complain("code", objection);
    if (objection || dom.byId("close").getAttribute("aria-disabled") === "true") {
      return;
    }
    heartbeat.stop();
    stopWaiting();
    if (connection.readyState() < 2) {
      record("note", "close()", function () { return code ? say("closing", { code: code, reason: reason }) : say("closingBare"); });
    }
    connection.close(Number(code), reason);
    draw();
  }

  function stopWaiting() {
    if (reconnect.isWaiting()) {
      reconnect.stop();
      record("note", "reconnect", function () { return say("stayedAsked"); });
    }
  }

  // The browser would end it too, with 1001; but some keep a page that was left, and its socket, for a while.
  function leave() {
    reconnect.stop();
    heartbeat.stop();
    connection.close(1000, "page left");
  }

  function count() {
    dom.text(dom.byId("reason-length"), say("reasonLength", {
      n: Crier.bytes.utf8Length(dom.byId("reason").value), most: Crier.codes.longestReason
    }));
  }

  function listen() {
    dom.on(dom.byId("target"), "submit", function (event) {
      var target = address.read();
      var state = connection.readyState();
      dom.stop(event);
      if (target && state !== 0 && state !== 1) {
        connect(target);
      }
    });
    dom.on(dom.byId("close"), "click", close);
    dom.on(dom.byId("reason"), "input", count);
    dom.on(dom.byId("binary-type"), "change", function () { connection.setBinaryType(dom.byId("binary-type").value); });
    dom.on(dom.byId("beat"), "change", beat);
    dom.on(dom.byId("beat-interval"), "change", beat);
    dom.on(dom.byId("beat-patience"), "change", beat);
    dom.on(dom.byId("reconnect"), "change", function () {
      reconnect.set(dom.byId("reconnect").checked);
      draw();
    });
    dom.on(window, "onpagehide" in window ? "pagehide" : "beforeunload", leave);
    dom.on(window, "pageshow", draw);
  }

  function translate() {
    count();
    address.draw();
    files.translate();
    log.translate();
    draw();
  }

  Crier.texts = new Crier.Texts(send);
  Crier.tools.start();
  Crier.words.watch(translate);
  dom.show(dom.byId("unsupported"), !window.WebSocket);
  reconnect.set(dom.byId("reconnect").checked);
  listen();
})(window.Crier = window.Crier || {});
