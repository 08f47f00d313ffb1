// Long texts, shortened for the screen: one message must not make the page unusable.
(function (Crier) {
  "use strict";

  var longestShown = 10000;

  function isHighSurrogate(unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
  }

  // Says how much is missing, and never cuts a character in two.
  function cut(text) {
    var end = longestShown;
    if (text.length <= longestShown) {
      return text;
    }
    if (isHighSurrogate(text.charCodeAt(end - 1))) {
      end -= 1;
    }
    return text.substring(0, end) + Crier.words.say("cut", { n: text.length - end });
  }

  Crier.cut = cut;
  Crier.isHighSurrogate = isHighSurrogate;
})(window.Crier = window.Crier || {});
