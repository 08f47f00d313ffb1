// Where this page is in what was said: each piece of news has an offset, and later ones have higher offsets. An offset
// may be any whole number below 2^53: a feed that is new begins with the time in microseconds.
(function (Crier) {
  "use strict";

  // How much of what was said before the page shows when it is opened: about two screens.
  var shown = 50;

  // The offset behind which the last that was said begins: what was never there, or is not kept, is not missed.
  function beforeLast(answer) {
    var first = typeof answer.first === "number" ? answer.first : 0;
    return Math.max(first - 1, answer.offset - shown, 0);
  }

  function Place() {
    this.heard = null; // everything up to this offset is shown, or is not meant to be
    this.opened = 0; // the newest offset when the page was opened
    this.gap = false;
  }

  // What the server is asked for with a registration: the last that was said, and later what was missed.
  Place.prototype.missed = function () {
    return this.heard === null ? { history: shown } : { since: this.heard };
  };

  // Takes the answer to a registration, behind which come the news that were asked for.
  Place.prototype.begin = function (answer) {
    if (typeof answer.offset !== "number") {
      return;
    }
    if (this.heard === null) {
      this.opened = answer.offset;
      this.heard = beforeLast(answer);
    } else if (answer.complete === false) {
      this.gap = true;
      this.heard = Math.max(0, answer.next - 1);
    }
  };

  // True if news with this offset have not been heard before.
  Place.prototype.pass = function (offset) {
    if (this.isPast(offset)) {
      return false;
    }
    if (typeof offset === "number" && this.heard !== null) {
      this.heard = offset;
    }
    return true;
  };

  // True if news with this offset have come already, or will not come any more.
  Place.prototype.isPast = function (offset) {
    return typeof offset === "number" && this.heard !== null && offset <= this.heard;
  };

  // True when all that was said before the page was opened has come.
  Place.prototype.isCaughtUp = function () {
    return this.heard !== null && this.heard >= this.opened;
  };

  Place.prototype.isOld = function (offset) {
    return offset <= this.opened;
  };

  // True once after something is missing: above the next news the page says so.
  Place.prototype.takeGap = function () {
    var gap = this.gap;
    this.gap = false;
    return gap;
  };

  Crier.Place = Place;
})(window.Crier = window.Crier || {});
