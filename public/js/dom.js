// The few things done to the document, in ways that every browser since IE 9 has.
// Text becomes part of the page here only, and only as text nodes.
(function (Crier) {
  "use strict";

  function byId(id) {
    return document.getElementById(id);
  }

  function on(target, type, run) {
    if (target.addEventListener) {
      target.addEventListener(type, run, false);
    } else if (target.attachEvent) {
      target.attachEvent("on" + type, run);
    }
  }

  function stop(event) {
    if (event.preventDefault) {
      event.preventDefault();
    }
    event.returnValue = false;
  }

  function text(node, value) {
    while (node.firstChild) {
      node.removeChild(node.firstChild);
    }
    node.appendChild(document.createTextNode(value));
  }

  function make(tag, className, value) {
    var node = document.createElement(tag);
    if (className) {
      node.className = className;
    }
    if (value !== undefined) {
      text(node, value);
    }
    return node;
  }

  function drop(node) {
    if (node && node.parentNode) {
      node.parentNode.removeChild(node);
    }
  }

  function mark(node, className, wanted) {
    var padded = " " + node.className + " ";
    var there = padded.indexOf(" " + className + " ") >= 0;
    if (wanted && !there) {
      node.className = (node.className + " " + className).replace(/^ /, "");
    } else if (!wanted && there) {
      node.className = padded.replace(" " + className + " ", " ").replace(/^ | $/g, "");
    }
  }

  function show(node, wanted) {
    if (wanted) {
      node.removeAttribute("hidden");
    } else {
      node.setAttribute("hidden", "hidden");
    }
  }

  Crier.dom = {
    byId: byId, on: on, stop: stop, text: text, make: make, drop: drop, mark: mark, show: show
  };
})(window.Crier = window.Crier || {});
