// A sheet to draw on, and one that shows what came back.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;
  var paper = "#ffffff";
  var ink = "#a8402a";

  function Drawing(sheet, answer) {
    this.sheet = sheet;
    this.answer = answer;
    this.down = false;
    this.pen = sheet.getContext("2d");
    this.wipe();
    blank(answer);
    this.listen();
  }

  function blank(canvas) {
    var context = canvas.getContext("2d");
    context.fillStyle = paper;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  Drawing.prototype.wipe = function () {
    blank(this.sheet);
    this.pen.strokeStyle = ink;
    this.pen.lineWidth = 4;
    this.pen.lineCap = this.pen.lineJoin = "round";
  };

  // A finger, a pen and a mouse are all pointers; browsers without those events have the mouse's.
  Drawing.prototype.listen = function () {
    var self = this;
    var kind = "PointerEvent" in window ? "pointer" : "mouse";
    dom.on(this.sheet, kind + "down", function (event) {
      dom.stop(event);
      self.down = true;
      self.pen.beginPath();
      self.moveTo(event);
      self.lineTo(event);
    });
    dom.on(window, kind + "move", function (event) {
      if (self.down) {
        self.lineTo(event);
      }
    });
    dom.on(window, kind + "up", function () { self.down = false; });
    dom.on(window, kind + "cancel", function () { self.down = false; });
  };

  // The sheet may be shown larger or smaller than it is.
  Drawing.prototype.place = function (event) {
    var box = this.sheet.getBoundingClientRect();
    return {
      x: (event.clientX - box.left) * this.sheet.width / box.width,
      y: (event.clientY - box.top) * this.sheet.height / box.height
    };
  };

  Drawing.prototype.moveTo = function (event) {
    var at = this.place(event);
    this.pen.moveTo(at.x, at.y);
  };

  Drawing.prototype.lineTo = function (event) {
    var at = this.place(event);
    this.pen.lineTo(at.x, at.y);
    this.pen.stroke();
  };

  // For those who do not draw by hand: a face, each time another one.
  Drawing.prototype.sketch = function () {
    var pen = this.pen;
    var x = this.sheet.width * (0.3 + 0.4 * Math.random());
    var y = this.sheet.height / 2;
    var size = this.sheet.height * (0.25 + 0.15 * Math.random());
    this.wipe();
    circle(pen, x, y, size, 0, 2);
    circle(pen, x - size * 0.35, y - size * 0.25, size * 0.08, 0, 2);
    circle(pen, x + size * 0.35, y - size * 0.25, size * 0.08, 0, 2);
    circle(pen, x, y, size * 0.6, 0.15, 0.85);
  };

  function circle(pen, x, y, radius, from, to) {
    pen.beginPath();
    pen.arc(x, y, radius, from * Math.PI, to * Math.PI);
    pen.stroke();
  }

  // The drawing as a PNG file. Not by toBlob, which some browsers lack.
  Drawing.prototype.toBlob = function () {
    var coded = window.atob(this.sheet.toDataURL("image/png").split(",")[1]);
    var bytes = new window.Uint8Array(coded.length);
    var i;
    for (i = 0; i < coded.length; i++) {
      bytes[i] = coded.charCodeAt(i);
    }
    return new window.Blob([bytes], { type: "image/png" });
  };

  // Draws a picture that came over the connection, as large as fits.
  Drawing.prototype.show = function (image) {
    var sheet = this.answer;
    var scale = Math.min(1, sheet.width / image.naturalWidth, sheet.height / image.naturalHeight);
    var width = image.naturalWidth * scale;
    var height = image.naturalHeight * scale;
    blank(sheet);
    sheet.getContext("2d").drawImage(image, (sheet.width - width) / 2, (sheet.height - height) / 2, width, height);
  };

  Crier.Drawing = Drawing;
})(window.Crier = window.Crier || {});
