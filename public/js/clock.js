// Times as the reader's own clock and language have them.
(function (Crier) {
  "use strict";

  var formats = {};

  function two(n) {
    return (n < 10 ? "0" : "") + n;
  }

  // Intl is slow to set up and came with IE 11; plain digits do without it.
  function format(at, kind, options, plain) {
    var key = kind + Crier.words.tag();
    if (!window.Intl || !window.Intl.DateTimeFormat) {
      return plain;
    }
    try {
      formats[key] = formats[key] || new window.Intl.DateTimeFormat(Crier.words.tag(), options);
      return formats[key].format(at);
    } catch (unknownLanguage) {
      return plain;
    }
  }

  // For reading a log: the same in each language.
  function exact(at) {
    return two(at.getHours()) + ":" + two(at.getMinutes()) + ":" + two(at.getSeconds()) +
      "." + String(1000 + at.getMilliseconds()).substring(1);
  }

  function time(at) {
    return format(at, "time", { hour: "2-digit", minute: "2-digit" },
      two(at.getHours()) + ":" + two(at.getMinutes()));
  }

  function full(at) {
    return format(at, "full", {
      year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit"
    }, at.toLocaleString());
  }

  // Days are compared as local dates, so a day of 23 or 25 hours counts as one.
  function dayKey(at) {
    return at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
  }

  function day(at) {
    var now = new Date();
    var before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
    if (dayKey(at) === dayKey(now)) {
      return Crier.words.say("today");
    }
    if (dayKey(at) === dayKey(before)) {
      return Crier.words.say("yesterday");
    }
    return format(at, "day", { weekday: "long", year: "numeric", month: "long", day: "numeric" }, dayKey(at));
  }

  Crier.clock = { exact: exact, time: time, full: full, day: day, dayKey: dayKey };
})(window.Crier = window.Crier || {});
