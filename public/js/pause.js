// How long to wait before something is tried again: twice as long each time. Half of it is random, so that a room full
// of pages does not come back to a server in one moment.
(function (Crier) {
  "use strict";

  // attempt counts from 1; first and longest are in ms, and so is what is returned.
  function pause(attempt, first, longest) {
    var full = Math.min(longest, first * Math.pow(2, attempt - 1));
    return Math.round(full / 2 + Math.random() * full / 2);
  }

  Crier.pause = pause;
})(window.Crier = window.Crier || {});
