// The connection, without any view of it. It is always in one of these states:
//
//   connecting     the first attempt
//   live           events flow; transport says over what
//   reconnecting   attempt n; retryAt is when it starts (Unix ms), 0 while it runs; why is "lost", "device" or "refused"
//   offline        nothing will happen by itself; why is "kicked" or "missing"
//
// The link reconnects by itself instead of leaving it to the client: so that the page can count down, retry at
// once, and behave the same with 2.x and 4.x, which tell of their attempts in different ways.
(function (Crier) {
  "use strict";

  var firstWait = 1000;
  var longestWait = 20000;

  // Doubles from one attempt to the next; half of it is random, so that a room full of pages does not come back
  // to a restarted server in one moment.
  function wait(attempt) {
    var full = Math.min(longestWait, firstWait * Math.pow(2, attempt - 1));
    return Math.round(full / 2 + Math.random() * full / 2);
  }

  function transportName(transport) {
    // The JSONP transport calls itself polling, too; only it has a callback index.
    return typeof transport.index === "number" ? "jsonp" : transport.name;
  }

  function Link(io, options, changed) {
    this.state = { name: "connecting", attempt: 0, retryAt: 0, transport: "", why: "", reason: "" };
    this.changed = changed;
    this.timer = null;
    this.engine = null;
    this.socket = io(options);
    this.listen();
  }

  Link.prototype.listen = function () {
    var self = this;
    this.socket.on("connect", function () { self.live(); });
    this.socket.on("disconnect", function (reason) { self.ended(reason); });
    this.socket.on("connect_error", function (error) { self.failed(error); });
    // 2.x tells of a refusal by middleware as "error".
    this.socket.on("error", function (error) {
      if (!self.socket.connected) {
        self.lost("refused", error);
      }
    });
    Crier.dom.on(window, "online", function () { self.retry(); });
  };

  Link.prototype.become = function (values) {
    var key;
    for (key in values) {
      if (Object.prototype.hasOwnProperty.call(values, key)) {
        this.state[key] = values[key];
      }
    }
    this.changed(this.state);
  };

  Link.prototype.live = function () {
    var self = this;
    var engine = this.socket.io.engine;
    this.still();
    if (engine !== this.engine) {
      this.engine = engine;
      engine.on("upgrade", function (transport) {
        if (self.engine === engine && self.state.name === "live") {
          self.become({ transport: transportName(transport) });
        }
      });
    }
    this.become({ name: "live", attempt: 0, retryAt: 0, why: "", reason: "", transport: transportName(engine.transport) });
  };

  Link.prototype.ended = function (reason) {
    if (reason === "io client disconnect") {
      return;
    }
    if (reason === "io server disconnect") {
      this.still();
      this.become({ name: "offline", retryAt: 0, transport: "", why: "kicked" });
      return;
    }
    this.lost("lost");
  };

  // A refusal by the server's middleware ends the socket (it is not "active" any more); anything else is the network.
  Link.prototype.failed = function (error) {
    this.lost(this.socket.active === false ? "refused" : "lost", error);
  };

  Link.prototype.lost = function (why, error) {
    var self = this;
    var attempt = this.state.attempt + 1;
    var pause = wait(attempt);
    if (this.timer !== null) {
      return;
    }
    if (why === "lost" && navigator.onLine === false) {
      why = "device";
    }
    this.timer = setTimeout(function () { self.connect(); }, pause);
    this.become({
      name: "reconnecting", attempt: attempt, retryAt: new Date().getTime() + pause, transport: "", why: why,
      reason: error ? String(error.message || error) : ""
    });
  };

  Link.prototype.still = function () {
    clearTimeout(this.timer);
    this.timer = null;
  };

  Link.prototype.connect = function () {
    this.still();
    this.become({ name: "reconnecting", retryAt: 0, attempt: Math.max(1, this.state.attempt) });
    // Ends what a refusal left open: 2.x asks for the main namespace only with a new session.
    this.socket.disconnect();
    this.socket.connect();
  };

  // Does not wait for the next attempt. Nothing happens while one runs or none is needed.
  Link.prototype.retry = function () {
    if (this.timer !== null || this.state.why === "kicked") {
      this.state.why = "";
      this.connect();
    }
  };

  Crier.Link = Link;
})(window.Crier = window.Crier || {});
