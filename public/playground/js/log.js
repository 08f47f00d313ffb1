// Everything that happened, in its order: bounded, follows its end, and can be copied and cleared.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  function Log() {
    var self = this;
    this.timeline = new Crier.Timeline(dom.byId("log"), dom.byId("empty"));
    this.unread = new Crier.Unread(this.timeline, dom.byId("jump"));
    dom.on(dom.byId("copy"), "click", function () { self.copy(); });
    dom.on(dom.byId("clear"), "click", function () { self.clear(); });
  }

  Log.prototype.add = function (record) {
    this.timeline.place(record);
    this.timeline.trim();
    this.unread.add(record);
  };

  // Tell it of a line that became higher.
  Log.prototype.grown = function () {
    this.timeline.settleSoon();
  };

  Log.prototype.clear = function () {
    var entries = this.timeline.entries;
    while (entries.length) {
      this.timeline.take(entries[entries.length - 1]);
    }
    dom.show(dom.byId("empty"), true);
    this.timeline.toEnd();
    this.unread.look();
    this.say("");
  };

  Log.prototype.toText = function () {
    return this.timeline.entries.map(function (record) { return record.toText(); }).join("\n") + "\n";
  };

  // The way that works on pages without TLS, too, where there is no navigator.clipboard.
  Log.prototype.copy = function () {
    var field = dom.make("textarea", "offscreen");
    var before = document.activeElement;
    var copied = false;
    field.readOnly = true;
    field.value = this.toText();
    document.body.appendChild(field);
    field.select();
    try {
      copied = document.execCommand("copy");
    } catch (forbidden) {
      copied = false;
    }
    dom.drop(field);
    before.focus();
    this.say(Crier.words.say(copied ? "copied" : "notCopied", { n: this.timeline.entries.length }));
  };

  Log.prototype.say = function (words) {
    dom.text(dom.byId("copied"), words);
  };

  Log.prototype.translate = function () {
    this.say("");
    this.timeline.translate();
    this.unread.refresh();
  };

  Crier.Log = Log;
})(window.Crier = window.Crier || {});
