// One line of the log: when, which way, which event, and what it carried.
(function (Crier) {
  "use strict";

  var make = Crier.dom.make;
  var signs = { sent: "→", received: "←", opened: "●", closed: "○", failed: "!", note: "·" };
  // How much of binary data is shown in hex, in bytes.
  var shown = 128;
  // A larger picture is not shown, in bytes.
  var largestPicture = 2000000;

  // values: {kind, name, words, text}; kind is one of the signs, name is what the API calls the event, words() says the
  // rest in the language of now, text is what was sent or received, if it was text.
  function Record(values) {
    this.kind = values.kind;
    this.name = values.name;
    this.words = values.words;
    this.text = values.text === undefined ? "" : Crier.cut(values.text);
    this.hex = "";
    this.at = new Date();
    this.floating = false;
    this.build();
    this.translate();
  }

  Record.prototype.build = function () {
    var line = make("p", "what");
    var sign = make("span", "sign", signs[this.kind]);
    var time = make("time", "time", Crier.clock.exact(this.at));
    sign.setAttribute("aria-hidden", "true");
    time.title = Crier.clock.full(this.at);
    this.node = make("div", "record " + this.kind);
    this.body = make("div", "body");
    this.said = make("span", "words");
    line.appendChild(make("b", "name", this.name));
    line.appendChild(document.createTextNode(" "));
    line.appendChild(this.said);
    this.body.appendChild(line);
    this.node.appendChild(time);
    this.node.appendChild(sign);
    this.node.appendChild(this.body);
    if (this.text !== "") {
      this.addText();
    }
  };

  Record.prototype.addText = function () {
    var node = make("pre", "text", this.text);
    node.setAttribute("dir", "auto");
    this.body.appendChild(node);
  };

  // Binary data is looked at after the line has its place in the log; changed() runs when it has grown, pictured(image)
  // when it is a picture.
  Record.prototype.addBinary = function (data, changed, pictured) {
    var self = this;
    Crier.bytes.start(data, shown, function (start) {
      var rest = Crier.bytes.size(data) - shown;
      self.hex = start ? Crier.bytes.hex(start) + (rest > 0 ? " " + Crier.words.say("moreBytes", { n: rest }) : "") : "";
      self.body.appendChild(make("pre", "hex", self.hex));
      changed();
      self.addPicture(data, Crier.bytes.pictureType(self.hex), changed, pictured);
    });
  };

  // What only starts like a picture, such as the first slice of a file, is dropped again.
  Record.prototype.addPicture = function (data, type, changed, pictured) {
    var self = this;
    if (!type || Crier.bytes.size(data) > largestPicture) {
      return;
    }
    Crier.bytes.dataUrl(data, type, function (url) {
      var image = make("img", "picture");
      image.onload = function () {
        self.body.appendChild(image);
        changed();
        pictured(image);
      };
      image.alt = Crier.words.say("pictureAlt", { type: type });
      image.src = url;
    });
  };

  Record.prototype.translate = function () {
    Crier.dom.text(this.said, this.words());
  };

  // As a line of text, for copying.
  Record.prototype.toText = function () {
    var line = Crier.clock.exact(this.at) + " " + signs[this.kind] + " " + this.name + " " + this.words();
    return line + (this.text && "\n    " + this.text.replace(/\n/g, "\n    ")) + (this.hex && "\n    " + this.hex);
  };

  // Above this line is what the reader has seen.
  Record.prototype.setNews = function (count) {
    Crier.dom.mark(this.node, "new", count > 0);
  };

  // The log asks each line to follow the one before; these stand for themselves.
  Record.prototype.follow = function () {
    return undefined;
  };

  Crier.Record = Record;
})(window.Crier = window.Crier || {});
