// Comes back after a loss: once, after a pause, and never when the end was wanted.
(function (Crier) {
  "use strict";

  var pause = 2000;
  var normal = 1000;

  // run() connects.
  function Reconnect(run) {
    this.run = run;
    this.on = true;
    this.timer = null;
  }

  // 1000 says that all is done, by whichever side: the answer to the text "stop", for one.
  Reconnect.prototype.wants = function (ending) {
    return this.on && !ending.asked && ending.code !== normal;
  };

  Reconnect.prototype.isWaiting = function () {
    return this.timer !== null;
  };

  // A second loss while one waits changes nothing.
  Reconnect.prototype.start = function () {
    var self = this;
    if (this.isWaiting()) {
      return;
    }
    this.timer = setTimeout(function () {
      self.timer = null;
      self.run();
    }, pause);
  };

  Reconnect.prototype.stop = function () {
    clearTimeout(this.timer);
    this.timer = null;
  };

  Reconnect.prototype.set = function (on) {
    this.on = on;
    if (!on) {
      this.stop();
    }
  };

  Crier.Reconnect = Reconnect;
})(window.Crier = window.Crier || {});
