// Finds out that the other side is gone when no close frame says so: the text "ping" goes out every so often, and "pong"
// has to come back in time. There is never more than one ping without its answer.
(function (Crier) {
  "use strict";

  // ping() sends the text; dead() runs when the answer did not come.
  function Heartbeat(ping, dead) {
    this.ping = ping;
    this.dead = dead;
    this.timer = null;
    this.awaiting = false;
  }

  // Both in milliseconds. Starts anew when it runs.
  Heartbeat.prototype.start = function (interval, patience) {
    this.stop();
    this.interval = interval;
    this.patience = patience;
    this.rest();
  };

  Heartbeat.prototype.rest = function () {
    var self = this;
    this.awaiting = false;
    this.timer = setTimeout(function () { self.beat(); }, this.interval);
  };

  Heartbeat.prototype.beat = function () {
    var self = this;
    this.awaiting = true;
    this.timer = setTimeout(function () {
      self.stop();
      self.dead();
    }, this.patience);
    this.ping();
  };

  // Tell it of every message. Says whether this one was the awaited answer.
  Heartbeat.prototype.heard = function (data) {
    if (!this.awaiting || data !== "pong") {
      return false;
    }
    clearTimeout(this.timer);
    this.rest();
    return true;
  };

  Heartbeat.prototype.stop = function () {
    clearTimeout(this.timer);
    this.timer = null;
    this.awaiting = false;
  };

  Crier.Heartbeat = Heartbeat;
})(window.Crier = window.Crier || {});
