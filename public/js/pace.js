// How fast this page speaks: slower than where the server begins to hold a speaker back, which is at 20 messages and
// 64 KiB a second. So what has waited for a connection does not flood it.
(function (Crier) {
  "use strict";

  // Of each: so much a second, lasting, and so much at once.
  var messages = { perSecond: 15, burst: 30 };
  var bytes = { perSecond: 48 * 1024, burst: 256 * 1024 };

  // The most bytes that the text can have as UTF-8.
  function sizeOf(text) {
    var size = text.length;
    var i;
    for (i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) > 127) {
        size += 2;
      }
    }
    return size;
  }

  function now() {
    return new Date().getTime();
  }

  // spent is what was spent, less what time has given back, as of since.
  function Bucket(rate) {
    this.rate = rate;
    this.spent = 0;
    this.since = now();
  }

  Bucket.prototype.settle = function () {
    var at = now();
    // A clock that was set back gives nothing back.
    this.spent = Math.max(0, this.spent - Math.max(0, at - this.since) * this.rate.perSecond / 1000);
    this.since = at;
  };

  // How many ms until n can be spent. More than a burst can be spent when all of it is there.
  Bucket.prototype.wait = function (n) {
    var room;
    this.settle();
    room = Math.max(0, this.rate.burst - n);
    return Math.ceil(Math.max(0, this.spent - room) * 1000 / this.rate.perSecond);
  };

  function Pace() {
    this.messages = new Bucket(messages);
    this.bytes = new Bucket(bytes);
  }

  // How many ms until the text may be sent.
  Pace.prototype.wait = function (text) {
    return Math.max(this.messages.wait(1), this.bytes.wait(sizeOf(text)));
  };

  Pace.prototype.spend = function (text) {
    this.messages.spent += 1;
    this.bytes.spent += sizeOf(text);
  };

  // Takes away what could be sent at once.
  Pace.prototype.drain = function () {
    this.messages.spent = Math.max(this.messages.spent, messages.burst);
    this.bytes.spent = Math.max(this.bytes.spent, bytes.burst);
  };

  Crier.Pace = Pace;
})(window.Crier = window.Crier || {});
