// The connection, without any view of it. It is always in one of these states:
//
//   connecting     the first attempt
//   live           events flow; transport says over what
//   reconnecting   attempt n; retryAt is when it starts (Unix ms), 0 while it runs; why is "lost", "device" or
//                  "refused"
//   offline        nothing will happen by itself; why is "kicked" or "missing"
//
// reason is what the server told before it ended the connection or when it refused one, as Crier.reason has it; "" for
// nothing. blameless is true when the connection ended for something else than what was sent.
//
// The link reconnects by itself instead of leaving it to the client: so that the page can count down, retry at
// once, and behave the same with 2.x and 4.x, which tell of their attempts in different ways.
(function (Crier) {
  "use strict";

  var firstWait = 1000;
  var longestWait = 20000;
  var shortLife = 5000; // ms; a connection that lasts less has failed: clients before 3.x take it for open before they send

  function transportName(transport) {
    // The JSONP transport calls itself polling, too; only it has a callback index.
    return typeof transport.index === "number" ? "jsonp" : transport.name;
  }

  // askWhy(path, told) asks the server why it takes no connection.
  function Link(io, options, changed, askWhy) {
    this.state = { name: "connecting", attempt: 0, retryAt: 0, transport: "", why: "", reason: "", blameless: true };
    this.warning = "";
    this.changed = changed;
    this.path = options.path;
    this.askWhy = askWhy;
    this.timer = null;
    this.liveSince = 0;
    this.triedBefore = 0; // attempts until it was live
    this.engine = null;
    this.socket = io(options);
    this.listen();
  }

  Link.prototype.listen = function () {
    var self = this;
    this.socket.on("connect", function () { self.live(); });
    this.socket.on("disconnect", function (reason, details) { self.ended(reason, details); });
    this.socket.on("connect_error", function (error) { self.failed(error); });
    this.socket.on("warning", function (warning) { self.warning = warning || ""; });
    // 2.x tells of a refusal by middleware as "error", and of a request that failed before it was connected.
    this.socket.on("error", function (error) {
      if (self.socket.connected) {
        return;
      }
      if (error && error.type === "TransportError") {
        self.failed(error);
      } else {
        self.lost("refused", String(error && error.message || error), true);
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
    this.warning = "";
    this.liveSince = new Date().getTime();
    this.triedBefore = this.state.attempt;
    if (engine !== this.engine) {
      this.engine = engine;
      engine.on("upgrade", function (transport) {
        if (self.engine === engine && self.state.name === "live") {
          self.become({ transport: transportName(transport) });
        }
      });
    }
    this.become({
      name: "live", attempt: 0, retryAt: 0, why: "", reason: "", transport: transportName(engine.transport)
    });
  };

  // The last warning before the end tells its reason, unless it was only about being too fast. details are what the 4.x
  // client knows of a request that failed.
  Link.prototype.ended = function (reason, details) {
    var refused = Crier.refusal(details);
    var warned = this.warning && this.warning.code !== "rate" ? this.warning : "";
    if (reason === "io client disconnect") {
      return;
    }
    if (reason === "io server disconnect") {
      this.still();
      this.become({
        name: "offline", retryAt: 0, transport: "", why: "kicked", reason: this.warning, blameless: true
      });
      return;
    }
    if (refused) {
      this.lost("refused", refused, true);
      return;
    }
    this.lost("lost", warned, reason === "ping timeout");
  };

  // A refusal by the server's middleware ends the socket (it is not "active" any more); anything else is the network,
  // or a server that takes no connection.
  Link.prototype.failed = function (error) {
    var refused = Crier.refusal(error);
    if (refused || this.socket.active === false) {
      this.lost("refused", refused || String(error && error.message || error), true);
    } else {
      this.lost("lost", "", true);
    }
  };

  Link.prototype.lost = function (why, reason, blameless) {
    var self = this;
    var live = this.state.name === "live";
    var brief = live && new Date().getTime() - this.liveSince < shortLife;
    var attempt = (brief ? this.triedBefore : this.state.attempt) + 1;
    var pause = Crier.pause(attempt, firstWait, longestWait);
    if (this.timer !== null) {
      return;
    }
    if (why === "lost" && navigator.onLine === false) {
      why = "device";
      blameless = true;
    }
    this.timer = setTimeout(function () { self.connect(); }, pause);
    this.become({
      name: "reconnecting", attempt: attempt, retryAt: new Date().getTime() + pause, transport: "", why: why,
      reason: reason || "", blameless: Boolean(blameless)
    });
    if ((!live || brief) && (why === "lost" || reason && reason.code === "foreign" && !reason.message)) {
      this.ask();
    }
  };

  // A page that never gets through is told more than that.
  Link.prototype.ask = function () {
    var self = this;
    var attempt = this.state.attempt;
    if (this.askWhy) {
      this.askWhy(this.path, function (why) {
        if (self.state.name === "reconnecting" && self.state.attempt === attempt) {
          self.become({ why: "refused", reason: why, blameless: true });
        }
      });
    }
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
