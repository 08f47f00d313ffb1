// Counts what came while nobody looked: in the title, in the "n new" line, and on the button that jumps to the end.
(function (Crier) {
  "use strict";

  var title = document.title;
  var hasFocus = true;

  // Old browsers cannot tell whether the page is visible; there the window's focus has to do.
  function away() {
    return typeof document.hidden === "boolean" ? document.hidden : !hasFocus;
  }

  function Unread(timeline, button) {
    this.timeline = timeline;
    this.button = button;
    this.count = 0;
    this.first = null;
    this.listen();
    this.refresh();
  }

  Unread.prototype.listen = function () {
    var self = this;
    var look = function () { self.look(); };
    this.timeline.scrolled = look;
    Crier.dom.on(document, "visibilitychange", look);
    Crier.dom.on(window, "focus", function () { hasFocus = true; self.look(); });
    Crier.dom.on(window, "blur", function () { hasFocus = false; });
    Crier.dom.on(this.button, "click", function () {
      self.timeline.toEnd();
      self.look();
    });
  };

  // Call it after the entry has its place.
  Unread.prototype.add = function (entry) {
    if (!away() && this.timeline.following) {
      return;
    }
    if (this.count === 0) {
      this.clearLine();
      this.first = entry;
    }
    this.count++;
    this.first.setNews(this.count);
    this.timeline.dressAgain(this.first);
    this.timeline.settleSoon();
    this.refresh();
  };

  // The line stays for the reader who comes back; the count goes as soon as the end is seen.
  Unread.prototype.look = function () {
    if (!away() && this.timeline.following) {
      this.count = 0;
    }
    this.refresh();
  };

  Unread.prototype.clearLine = function () {
    if (this.first) {
      this.first.setNews(0);
      this.timeline.dressAgain(this.first);
      this.first = null;
    }
  };

  Unread.prototype.refresh = function () {
    var words = this.count ? Crier.words.say("toNews", { n: this.count }) : Crier.words.say("toEnd");
    document.title = (this.count ? "(" + this.count + ") " : "") + title;
    Crier.dom.text(this.button, words);
    Crier.dom.show(this.button, !this.timeline.following);
  };

  Crier.Unread = Unread;
})(window.Crier = window.Crier || {});
