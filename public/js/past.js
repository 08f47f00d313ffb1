// What was said before what is shown. It is asked for when the reader comes near the top, page by page, to the oldest
// that the server keeps.
(function (Crier) {
  "use strict";

  var pageLength = 50;
  // How near, in pixels: about half a screen, so that it is there before the reader is.
  var nearTop = 400;
  // What the page holds at most; what is older stays on the server.
  var most = 2000;
  var firstPause = 2000;
  var longestPause = 60000;

  // ask(options, answered) asks the server; make(known) makes an entry of {data, from, id, at, offset}; failed(why)
  // tells that it can't be had now.
  function Past(timeline, ask, make, failed) {
    this.timeline = timeline;
    this.ask = ask;
    this.make = make;
    this.failed = failed;
    this.open = false;
    this.first = 0;
    this.round = 0; // of the request under way
    this.asking = false;
    this.refusals = 0;
    this.timer = null;
  }

  // first is the oldest offset that the server keeps.
  Past.prototype.start = function (first) {
    this.open = true;
    this.first = first;
  };

  Past.prototype.stop = function () {
    this.open = false;
    this.asking = false;
    this.round++;
    clearTimeout(this.timer);
    this.timer = null;
  };

  // Call it when the reader has scrolled, and when what is shown has changed.
  Past.prototype.look = function () {
    var oldest = this.timeline.oldest();
    if (!this.open || this.asking || this.timer !== null || !oldest || oldest.topWord) {
      return;
    }
    if (oldest.offset <= this.first) {
      this.end(oldest, "first");
    } else if (this.timeline.box.scrollTop < nearTop) {
      this.askBefore(oldest);
    }
  };

  Past.prototype.askBefore = function (oldest) {
    var self = this;
    var round = ++this.round;
    if (this.timeline.entries.length >= most) {
      this.end(oldest, "mostShown");
      return;
    }
    this.asking = true;
    this.ask({ before: oldest.offset, limit: pageLength }, function (answer) {
      if (round === self.round) {
        self.asking = false;
        self.answered(answer || {}, oldest);
      }
    });
  };

  Past.prototype.end = function (oldest, key) {
    var timeline = this.timeline;
    timeline.changeAbove(function () {
      oldest.setTop(key);
      timeline.dressAgain(oldest);
    });
    timeline.settleSoon();
  };

  Past.prototype.answered = function (answer, oldest) {
    var entries = [];
    var i;
    if (answer.error) {
      this.lookLater(answer.error);
      return;
    }
    this.refusals = 0;
    for (i = 0; i < (answer.entries || []).length; i++) {
      if (answer.entries[i].offset < oldest.offset) {
        entries.push(this.make(answer.entries[i]));
      }
    }
    this.first = typeof answer.first === "number" ? answer.first : this.first;
    if (!entries.length) {
      this.end(oldest, "first");
    } else if (this.timeline.oldest() === oldest) {
      this.timeline.placeAbove(entries);
    }
  };

  Past.prototype.lookLater = function (why) {
    var self = this;
    this.refusals++;
    this.failed(why);
    this.timer = setTimeout(function () {
      self.timer = null;
      self.look();
    }, Crier.pause(this.refusals, firstPause, longestPause));
  };

  Crier.Past = Past;
})(window.Crier = window.Crier || {});
