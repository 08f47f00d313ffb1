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
    this.top = 0;
    this.timer = null;
    this.scrolled = function () { return undefined; };
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
    if (this.entries.length > longest + overhang) {
      this.settle();
    } else if (this.timer === null) {
      this.timer = setTimeout(function () { self.settle(); }, frame);
    }
  };

  Timeline.prototype.settle = function () {
    clearTimeout(this.timer);
    this.timer = null;
    this.trim();
    if (this.following) {
      this.toEnd();
    }
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

  // What goes from the top is taken off the scroll position, so that the reader's line stays where it is.
  Timeline.prototype.trim = function () {
    var before;
    if (this.entries.length <= longest) {
      return;
    }
    before = this.following ? 0 : this.box.scrollHeight;
    while (this.entries.length > longest) {
      Crier.dom.drop(this.entries.shift().node);
    }
    this.dress(0);
    if (!this.following) {
      this.box.scrollTop -= before - this.box.scrollHeight;
      this.top = this.box.scrollTop;
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
