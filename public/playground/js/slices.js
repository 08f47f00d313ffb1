// Sends a large file in slices, each as a message of its own, and only while nothing waits in the browser
// (bufferedAmount is 0): so the file never fills the memory, and other messages get in between.
(function (Crier) {
  "use strict";

  // How often bufferedAmount is looked at, in ms: no event tells. It also keeps to half of the 200 messages in a second
  // that Crier takes of one client.
  var glance = 10;

  // pipe: {isOpen(), bufferedAmount(), send(data)}; read(blob, done) gives a slice the form in which it goes out, or null.
  // told: {progress(sent, total), ended(how)}; how is "done", "cancelled", "lost" (no connection) or "unreadable".
  function Slices(pipe, read, told) {
    this.pipe = pipe;
    this.read = read;
    this.told = told;
    this.job = null;
    this.timer = null;
  }

  Slices.prototype.isBusy = function () {
    return this.job !== null;
  };

  // size: of a slice, in bytes. Nothing happens while another file is on its way.
  Slices.prototype.start = function (file, size) {
    if (this.isBusy()) {
      return;
    }
    this.job = { file: file, size: size, sent: 0, ready: null, reading: false };
    this.told.progress(0, file.size);
    this.step();
  };

  Slices.prototype.step = function () {
    var job = this.job;
    if (!this.pipe.isOpen()) {
      this.end("lost");
      return;
    }
    if (this.pipe.bufferedAmount() === 0) {
      if (job.sent >= job.file.size) {
        this.end("done");
        return;
      }
      this.advance(job);
    }
    if (this.job === job) {
      this.again();
    }
  };

  // Reading a slice takes time in which other things may have been sent, so it goes out at the next free glance.
  Slices.prototype.advance = function (job) {
    if (job.ready) {
      this.sendReady(job);
    } else if (!job.reading) {
      this.prepare(job);
    }
  };

  Slices.prototype.prepare = function (job) {
    var self = this;
    var slice = job.file.slice(job.sent, Math.min(job.sent + job.size, job.file.size));
    job.reading = true;
    this.read(slice, function (data) {
      job.reading = false;
      if (self.job !== job) {
        return;
      }
      if (data === null) {
        self.end("unreadable");
        return;
      }
      job.ready = { data: data, size: slice.size };
      if (self.pipe.isOpen() && self.pipe.bufferedAmount() === 0) {
        self.sendReady(job);
      }
    });
  };

  Slices.prototype.sendReady = function (job) {
    var slice = job.ready;
    job.ready = null;
    if (!this.pipe.send(slice.data)) {
      this.end("lost");
      return;
    }
    job.sent += slice.size;
    this.told.progress(job.sent, job.file.size);
  };

  Slices.prototype.again = function () {
    var self = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(function () { self.step(); }, glance);
  };

  Slices.prototype.cancel = function () {
    if (this.isBusy()) {
      this.end("cancelled");
    }
  };

  Slices.prototype.end = function (how) {
    clearTimeout(this.timer);
    this.job = null;
    this.told.ended(how);
  };

  Crier.Slices = Slices;
})(window.Crier = window.Crier || {});
