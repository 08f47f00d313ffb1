// One line for what the server lets the reader know while the connection stands: it is too much, or it must wait.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var shownFor = 10000;

  function Notice() {
    this.box = dom.byId("notice");
    this.timer = null;
    this.clear();
  }

  // why is a code and message as Crier.reason has them. key is the sentence around it. It goes after a while.
  Notice.prototype.tell = function (key, why) {
    var self = this;
    this.key = key;
    this.why = why;
    clearTimeout(this.timer);
    this.timer = setTimeout(function () { self.clear(); }, shownFor);
    this.draw();
  };

  // Stays until it is cleared.
  Notice.prototype.hold = function (key, why) {
    this.tell(key, why);
    clearTimeout(this.timer);
  };

  Notice.prototype.clear = function () {
    clearTimeout(this.timer);
    this.key = "";
    this.draw();
  };

  Notice.prototype.draw = function () {
    dom.show(this.box, Boolean(this.key));
    dom.text(this.box, this.key ? Crier.words.say(this.key, { reason: Crier.reason(this.why) }) : "");
  };

  Crier.Notice = Notice;
})(window.Crier = window.Crier || {});
