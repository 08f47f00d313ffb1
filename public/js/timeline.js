// The list of what was said, in the room's order. Own messages that are not out yet float at its end. It follows the
// newest entry while the reader is at the end, and stays where the reader is otherwise.
(function (Crier) {
  "use strict";

  // What the page holds; more makes old phones slow (Zulip's web page keeps to 400 as well).
  var longest = 400;
  // Layout costs about a millisecond, so it is done once for all that came within one frame of the screen; but in a
  // hidden window, where the browser slows timers down, before this much has gathered.
  var frame = 16;
  var overhang = 200;
  var nearEnd = 48;

  function Timeline(box, empty) {
    this.box = box;
    this.empty = empty;
    this.entries = [];
    this.following = true;
    this.limit = longest; // more while the reader is at what was said before
    this.top = 0;
    this.timer = null;
    this.scrolled = function () { return undefined; };
    this.settled = function () { return undefined; };
    this.listen();
  }

  Timeline.prototype.listen = function () {
    var self = this;
    Crier.dom.on(this.box, "scroll", function () { self.look(); });
    // A keyboard that opens or a window that turns must not lose the end.
    Crier.dom.on(window, "resize", function () { self.settle(); });
  };

  // Being far from the end is not enough to stop following it: entries may have come since the last settle. Only
  // the reader moves up.
  Timeline.prototype.look = function () {
    if (this.distance() < nearEnd) {
      this.following = true;
    } else if (this.box.scrollTop < this.top) {
      this.following = false;
    }
    this.top = this.box.scrollTop;
    this.scrolled();
  };

  Timeline.prototype.distance = function () {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight;
  };

  Timeline.prototype.settleSoon = function () {
    var self = this;
    if (this.entries.length > this.limit + overhang) {
      this.settle();
    } else if (this.timer === null) {
      this.timer = setTimeout(function () { self.settle(); }, frame);
    }
  };

  Timeline.prototype.settle = function () {
    clearTimeout(this.timer);
    this.timer = null;
    this.limit = this.following ? longest : this.limit;
    this.trim();
    if (this.following) {
      this.toEnd();
    }
    this.settled();
  };

  Timeline.prototype.toEnd = function () {
    this.following = true;
    this.box.scrollTop = this.box.scrollHeight;
    this.top = this.box.scrollTop;
  };

  // Puts a new or moved entry at its place: behind everything if it floats, else before what floats.
  Timeline.prototype.place = function (entry) {
    var index;
    this.take(entry);
    index = entry.floating ? this.entries.length : this.firstFloating();
    this.box.insertBefore(entry.node, index < this.entries.length ? this.entries[index].node : null);
    this.entries.splice(index, 0, entry);
    this.dress(index);
    this.dress(index + 1);
    Crier.dom.show(this.empty, false);
    this.settleSoon();
  };

  Timeline.prototype.firstFloating = function () {
    var index = this.entries.length;
    while (index > 0 && this.entries[index - 1].floating) {
      index--;
    }
    return index;
  };

  // An entry that is where place would put it stays: moving it would have it read out again.
  Timeline.prototype.isPlaced = function (entry) {
    var index = this.indexOf(entry);
    return index >= 0 && index === this.firstFloating() - 1;
  };

  Timeline.prototype.indexOf = function (entry) {
    var index = this.entries.length - 1;
    while (index >= 0 && this.entries[index] !== entry) {
      index--;
    }
    return index;
  };

  // The entry that stands at this offset of what was said; null if it is not shown.
  Timeline.prototype.find = function (offset) {
    var i;
    for (i = this.entries.length - 1; i >= 0; i--) {
      if (this.entries[i].offset === offset) {
        return this.entries[i];
      }
    }
    return null;
  };

  // The first entry of which it is known where it stands in what was said; null if there is none.
  Timeline.prototype.oldest = function () {
    var i;
    for (i = 0; i < this.entries.length; i++) {
      if (typeof this.entries[i].offset === "number") {
        return this.entries[i];
      }
    }
    return null;
  };

  // Makes a change above the reader's line, which stays where it is.
  Timeline.prototype.changeAbove = function (change) {
    var height = this.following ? 0 : this.box.scrollHeight;
    change();
    if (!this.following) {
      this.box.scrollTop += this.box.scrollHeight - height;
      this.top = this.box.scrollTop;
    }
  };

  // Puts entries before all others.
  Timeline.prototype.placeAbove = function (entries) {
    var self = this;
    this.changeAbove(function () {
      var first = self.entries[0].node;
      var i;
      for (i = 0; i < entries.length; i++) {
        self.box.insertBefore(entries[i].node, first);
      }
      self.entries = entries.concat(self.entries);
      for (i = 0; i <= entries.length; i++) {
        self.dress(i);
      }
    });
    this.limit += entries.length;
    this.settleSoon();
  };

  Timeline.prototype.take = function (entry) {
    var index = this.indexOf(entry);
    if (index >= 0) {
      this.entries.splice(index, 1);
      Crier.dom.drop(entry.node);
      this.dress(index);
    }
  };

  Timeline.prototype.dress = function (index) {
    if (index >= 0 && index < this.entries.length) {
      this.entries[index].follow(this.entries[index - 1]);
    }
  };

  Timeline.prototype.dressAgain = function (entry) {
    this.dress(this.indexOf(entry));
  };

  Timeline.prototype.trim = function () {
    var self = this;
    if (this.entries.length > this.limit) {
      this.changeAbove(function () {
        while (self.entries.length > self.limit) {
          Crier.dom.drop(self.entries.shift().node);
        }
        self.dress(0);
      });
    }
  };

  Timeline.prototype.translate = function () {
    var i;
    for (i = 0; i < this.entries.length; i++) {
      this.entries[i].translate();
      this.dress(i);
    }
    this.settle();
  };

  Crier.Timeline = Timeline;
})(window.Crier = window.Crier || {});
