// What is wrong with a field, said beside it, and to those who cannot see it.
(function (Crier) {
  "use strict";

  var dom = Crier.dom;

  // The message goes into the node called id + "-error"; without words nothing is wrong.
  function complain(id, words) {
    var field = dom.byId(id);
    dom.text(dom.byId(id + "-error"), words);
    if (words) {
      field.setAttribute("aria-invalid", "true");
    } else {
      field.removeAttribute("aria-invalid");
    }
  }

  // A number as its field allows it; null after saying what is wrong.
  function number(id) {
    var field = dom.byId(id);
    var least = Number(field.getAttribute("min"));
    var most = Number(field.getAttribute("max"));
    var value = Number(field.value);
    var fits = field.value !== "" && value >= least && value <= most;
    complain(id, fits ? "" : Crier.words.say("badNumber", { least: least, most: most }));
    return fits ? value : null;
  }

  Crier.complain = complain;
  Crier.number = number;
})(window.Crier = window.Crier || {});
