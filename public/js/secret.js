// The secret by which the server knows whose messages are whose, on every connection and after a reload. The pages of
// one browser share it. Without storage it is this page's, for as long as the page is open.
(function (Crier) {
  "use strict";

  var letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // The server takes 16 to 128 characters. 32 of these are 192 bits.
  var length = 32;
  var usable = /^[\x21-\x7e]{16,128}$/;
  var own = "";

  // Browsers without a source of good random numbers: IE 9 and 10.
  function weakNumbers(count) {
    var numbers = [];
    while (numbers.length < count) {
      numbers.push(Math.floor(Math.random() * 256));
    }
    return numbers;
  }

  function numbers(count) {
    var source = window.crypto || window.msCrypto;
    if (source && source.getRandomValues && window.Uint8Array) {
      return source.getRandomValues(new window.Uint8Array(count));
    }
    return weakNumbers(count);
  }

  // A text of so many random characters, of 6 bits each.
  function random(count) {
    var bytes = numbers(count);
    var text = "";
    var i;
    for (i = 0; i < count; i++) {
      text += letters.charAt(bytes[i] & 63);
    }
    return text;
  }

  function kept() {
    var text = Crier.memory.get("secret");
    return usable.test(text) ? text : "";
  }

  // It stays the same for as long as the page is open, whatever becomes of the storage.
  function secret() {
    own = own || kept();
    if (!own) {
      own = random(length);
      Crier.memory.set("secret", own);
    }
    return own;
  }

  Crier.random = random;
  Crier.secret = secret;
})(window.Crier = window.Crier || {});
