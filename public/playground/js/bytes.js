// Bytes: how many a text has, how they read in hex, what picture they are, and how to get at those of a Blob.
(function (Crier) {
  "use strict";

  // A surrogate without its other half becomes U+FFFD, of three bytes, when the browser sends the text.
  function utf8Length(text) {
    var length = 0;
    var i;
    var unit;
    for (i = 0; i < text.length; i++) {
      unit = text.charCodeAt(i);
      if (isPair(text, i)) {
        length += 4;
        i++;
      } else {
        length += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
      }
    }
    return length;
  }

  function isPair(text, i) {
    var second = text.charCodeAt(i + 1);
    return Crier.isHighSurrogate(text.charCodeAt(i)) && second >= 0xdc00 && second <= 0xdfff;
  }

  function size(data) {
    if (typeof data === "string") {
      return utf8Length(data);
    }
    return data.byteLength === undefined ? data.size : data.byteLength;
  }

  function hex(buffer) {
    var bytes = new window.Uint8Array(buffer);
    var pairs = [];
    var i;
    for (i = 0; i < bytes.length; i++) {
      pairs.push((bytes[i] < 16 ? "0" : "") + bytes[i].toString(16));
    }
    return pairs.join(" ");
  }

  // What the first bytes say, not what anybody called it. SVG is left out: it is a document, which can do more than be seen.
  var pictures = [
    { type: "image/png", start: /^89 50 4e 47 0d 0a 1a 0a/ },
    { type: "image/jpeg", start: /^ff d8 ff/ },
    { type: "image/gif", start: /^47 49 46 38/ },
    { type: "image/webp", start: /^52 49 46 46 .. .. .. .. 57 45 42 50/ }
  ];

  // The media type of a picture that starts with these bytes in hex; "" if it is none.
  function pictureType(start) {
    var i;
    for (i = 0; i < pictures.length; i++) {
      if (pictures[i].start.test(start)) {
        return pictures[i].type;
      }
    }
    return "";
  }

  // Reading takes time; done(result) gets null when the bytes are not there any more.
  function read(blob, how, done) {
    var reader = new window.FileReader();
    reader.onload = function () { done(reader.result); };
    reader.onerror = function () { done(null); };
    reader[how](blob);
  }

  // The first bytes of what came, at most limit, as an ArrayBuffer.
  function start(data, limit, done) {
    if (data.byteLength === undefined) {
      read(data.slice(0, limit), "readAsArrayBuffer", done);
    } else {
      done(data.slice(0, limit));
    }
  }

  function dataUrl(data, type, done) {
    read(new window.Blob([data], { type: type }), "readAsDataURL", done);
  }

  // A file, or a part of it, in the form that binaryType names.
  function as(binaryType, blob, done) {
    if (binaryType === "arraybuffer") {
      read(blob, "readAsArrayBuffer", done);
    } else {
      done(blob);
    }
  }

  Crier.bytes = {
    utf8Length: utf8Length, size: size, hex: hex, pictureType: pictureType, start: start, dataUrl: dataUrl, as: as
  };
})(window.Crier = window.Crier || {});
