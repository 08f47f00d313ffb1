// The socket's properties as they are now. bufferedAmount changes without an event, so they are looked at again and again
// until the socket is closed: what has not left by then never will, and stays counted.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var glance = 100;
  var states = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
  var looks = ["connecting", "live", "reconnecting", "offline"];

  function Facts(connection, reconnect) {
    this.connection = connection;
    this.reconnect = reconnect;
    this.timer = null;
    this.drawn = {};
  }

  // The same words again would be read out again.
  Facts.prototype.put = function (id, words) {
    if (this.drawn[id] !== words) {
      this.drawn[id] = words;
      dom.text(dom.byId(id), words);
    }
  };

  Facts.prototype.draw = function () {
    var state = this.connection.readyState();
    this.drawState(state);
    this.drawProperties(this.connection.socket);
    clearTimeout(this.timer);
    if (state >= 0 && state < 3) {
      this.again();
    }
  };

  Facts.prototype.again = function () {
    var self = this;
    this.timer = setTimeout(function () { self.draw(); }, glance);
  };

  Facts.prototype.drawState = function (state) {
    var name = state < 0 ? Crier.words.say("noSocket") : states[state];
    var waiting = this.reconnect.isWaiting();
    dom.byId("state").className = waiting ? "reconnecting" : looks[state] || "idle";
    this.put("state-text", waiting ? name + " · " + Crier.words.say("comesBack") : name);
    this.put("ready-state", state < 0 ? "–" : name + " (" + state + ")");
  };

  Facts.prototype.drawProperties = function (socket) {
    this.put("buffered-amount", socket ? String(socket.bufferedAmount) : "–");
    this.put("protocol", quoted(socket && socket.protocol));
    this.put("extensions", quoted(socket && socket.extensions));
    this.put("socket-url", socket ? socket.url : "–");
  };

  // An empty string is a value, too: what nothing was agreed on looks like.
  function quoted(value) {
    return typeof value === "string" ? "\"" + value + "\"" : "–";
  }

  Facts.state = function (state) {
    return states[state] || "null";
  };

  Crier.Facts = Facts;
})(window.Crier = window.Crier || {});
