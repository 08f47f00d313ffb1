// Where this page is in what was said: each piece of news has an offset, and later ones have higher offsets.
(function (Crier) {
  "use strict";

  // How much of what was said before the page shows when it is opened: about two screens.
  var shown = 50;

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
      this.heard = Math.max(0, answer.offset - shown);
    } else if (answer.complete === false) {
      this.gap = true;
      this.heard = Math.max(0, answer.next - 1);
    }
  };

  // True if news with this offset have not been heard before.
  Place.prototype.pass = function (offset) {
    if (typeof offset !== "number" || this.heard === null) {
      return true;
    }
    if (offset <= this.heard) {
      return false;
    }
    this.heard = offset;
    return true;
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
