// What is sent as binary: a file, whole or in slices, and the drawing.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var kibibyte = 1024;

  // send(data) sends and tells the log; note(words) tells the log only.
  function Files(connection, send, note) {
    var self = this;
    this.send = send;
    this.note = note;
    this.drawn = null;
    this.drawing = new Crier.Drawing(dom.byId("sheet"), dom.byId("answer"));
    this.slices = new Crier.Slices(connection, inForm, {
      progress: function (sent, total) { self.progress(sent, total); },
      ended: function (how) { self.ended(how); }
    });
    this.listen();
  }

  function inForm(blob, done) {
    Crier.bytes.as(dom.byId("binary-type").value, blob, done);
  }

  Files.prototype.listen = function () {
    var self = this;
    dom.on(dom.byId("send-file"), "click", function () { self.sendWhole(); });
    dom.on(dom.byId("send-slices"), "click", function () { self.sendSlices(); });
    dom.on(dom.byId("cancel"), "click", function () {
      self.slices.cancel();
      dom.byId("send-slices").focus();
    });
    dom.on(dom.byId("file"), "change", function () { Crier.complain("file", ""); });
    dom.on(dom.byId("send-drawing"), "click", function () { inForm(self.drawing.toBlob(), self.send); });
    dom.on(dom.byId("sketch"), "click", function () { self.drawing.sketch(); });
    dom.on(dom.byId("wipe"), "click", function () { self.drawing.wipe(); });
  };

  // The chosen file; null after saying that there is none.
  Files.prototype.chosen = function () {
    var file = dom.byId("file").files[0] || null;
    Crier.complain("file", file ? "" : Crier.words.say("noFile"));
    return file;
  };

  Files.prototype.sendWhole = function () {
    var self = this;
    var file = this.chosen();
    if (!file) {
      return;
    }
    inForm(file, function (data) {
      if (data === null) {
        self.note(function () { return Crier.words.say("unreadable"); });
      } else {
        self.send(data);
      }
    });
  };

  Files.prototype.sendSlices = function () {
    var file = this.chosen();
    var size = Crier.number("slice-size");
    if (!file || size === null || this.slices.isBusy()) {
      return;
    }
    this.note(function () {
      return Crier.words.say("slicesBegin", { name: file.name, bytes: file.size, slices: Math.ceil(file.size / (size * kibibyte)) });
    });
    dom.show(dom.byId("progress"), true);
    this.slices.start(file, size * kibibyte);
  };

  Files.prototype.progress = function (sent, total) {
    this.drawn = { sent: sent, total: total };
    this.translate();
  };

  Files.prototype.translate = function () {
    var now = this.drawn;
    if (now) {
      dom.byId("bar").max = now.total || 1;
      dom.byId("bar").value = now.sent;
      dom.text(dom.byId("bar-words"), Crier.words.say("progress", now));
    }
  };

  Files.prototype.ended = function (how) {
    var sent = this.drawn.sent;
    dom.show(dom.byId("progress"), false);
    this.note(function () {
      var say = Crier.words.say;
      var ends = { done: say("slicesDone"), cancelled: say("slicesCancelled"), lost: say("slicesLost"), unreadable: say("unreadable") };
      return ends[how] + " " + say("slicesSent", { n: sent });
    });
  };

  Files.prototype.pictured = function (image) {
    this.drawing.show(image);
  };

  Crier.Files = Files;
})(window.Crier = window.Crier || {});
