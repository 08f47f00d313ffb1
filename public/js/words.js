// Every word on the page, in English and Chinese: the browser's language first, the reader's choice above it.
(function (Crier) {
  "use strict";

  var tables = {
    en: {
      connecting: "connecting",
      live: "live",
      reconnecting: "reconnecting {n}",
      offline: "offline",
      lost: "Connection lost. Trying again in {n} s.",
      trying: "Connecting again…",
      device: "This device is offline. Trying again in {n} s.",
      refused: "The server said no: {reason}. Trying again in {n} s.",
      kicked: "The server ended this connection.",
      missing: "socket.io.js could not be loaded from this server.",
      retryNow: "Retry now",
      connectAgain: "Connect again",
      reload: "Reload",
      people: "People",
      here: "{n} here now",
      more: "and {n} more",
      switchLanguage: "中文",
      languageButton: "中文",
      toDark: "Dark",
      toLight: "Light",
      logLabel: "What was said",
      emptyLead: "It is quiet here.",
      emptyHint: "What you say is heard by everyone who is here now.",
      playground: "Playground",
      playgroundHint: "Learn and debug WebSocket on the playground",
      nameLabel: "Name",
      textLabel: "Text",
      textHint: "Say something…",
      send: "Send",
      guest: "Guest {n}",
      someone: "Someone",
      today: "Today",
      yesterday: "Yesterday",
      news: "{n} new",
      gap: "Some of what was said while you were away is no longer kept.",
      toNews: "↓ {n} new",
      toEnd: "↓ Latest",
      waiting: "waiting to be sent",
      sending: "on its way",
      done: "sent",
      failed: "not sent",
      unsure: "it may not have been sent",
      retry: "Retry",
      cut: "… ({n} more characters)",
      binary: "[{n} bytes]",
      badName: "A name has 1 to 64 characters, and no control characters."
    },
    zh: {
      connecting: "正在连接",
      live: "已连接",
      reconnecting: "正在重连 {n}",
      offline: "离线",
      lost: "连接已断开，{n} 秒后重试。",
      trying: "正在重新连接…",
      device: "设备已离线，{n} 秒后重试。",
      refused: "服务器拒绝了连接：{reason}。{n} 秒后重试。",
      kicked: "服务器结束了此连接。",
      missing: "无法从服务器加载 socket.io.js。",
      retryNow: "立即重试",
      connectAgain: "重新连接",
      reload: "刷新",
      people: "在线",
      here: "现有 {n} 人在线",
      more: "还有 {n} 人",
      switchLanguage: "English",
      languageButton: "EN",
      toDark: "深色",
      toLight: "浅色",
      logLabel: "消息",
      emptyLead: "这里很安静。",
      emptyHint: "你说的话，此刻在线的每个人都能听到。",
      playground: "演练场",
      playgroundHint: "到演练场学习和调试 WebSocket",
      nameLabel: "名字",
      textLabel: "消息内容",
      textHint: "说点什么…",
      send: "发送",
      guest: "访客 {n}",
      someone: "某人",
      today: "今天",
      yesterday: "昨天",
      news: "{n} 条新消息",
      gap: "离线期间的部分消息已不再保留。",
      toNews: "↓ {n} 条新消息",
      toEnd: "↓ 最新",
      waiting: "等待发送",
      sending: "正在发送",
      done: "已发送",
      failed: "未发送",
      unsure: "可能未送达",
      retry: "重试",
      cut: "…（还有 {n} 个字符）",
      binary: "[{n} 字节]",
      badName: "名字须为 1 至 64 个字符，且不含控制字符。"
    }
  };

  // The words of one more page, as tables of the same form.
  function add(more) {
    var name;
    var key;
    for (name in tables) {
      for (key in more[name]) {
        if (Object.prototype.hasOwnProperty.call(more[name], key)) {
          tables[name][key] = more[name][key];
        }
      }
    }
  }

  var watchers = [];
  var language = start();

  function start() {
    var kept = Crier.memory.get("language");
    var own = String(navigator.language || navigator.userLanguage || "en").toLowerCase();
    if (kept === "en" || kept === "zh") {
      return kept;
    }
    return own.indexOf("zh") === 0 ? "zh" : "en";
  }

  function say(key, values) {
    return tables[language][key].replace(/\{(\w+)\}/g, function (whole, name) {
      return String(values[name]);
    });
  }

  // The browser's own tag when it is of the page's language: "en-GB" and "en-US" write dates differently.
  function tag() {
    var own = String(navigator.language || "");
    if (own.toLowerCase().indexOf(language) === 0) {
      return own;
    }
    return language === "zh" ? "zh-CN" : "en";
  }

  function put(node, attribute, place) {
    var key = node.getAttribute(attribute);
    if (key) {
      place(say(key));
    }
  }

  function dress(node) {
    put(node, "data-word", function (words) { Crier.dom.text(node, words); });
    put(node, "data-word-title", function (words) { node.title = words; });
    put(node, "data-word-label", function (words) { node.setAttribute("aria-label", words); });
    put(node, "data-word-placeholder", function (words) { node.setAttribute("placeholder", words); });
  }

  function apply() {
    var nodes = document.getElementsByTagName("*");
    var i;
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (i = 0; i < nodes.length; i++) {
      dress(nodes[i]);
    }
    for (i = 0; i < watchers.length; i++) {
      watchers[i]();
    }
  }

  function toggle() {
    language = language === "zh" ? "en" : "zh";
    Crier.memory.set("language", language);
    apply();
  }

  // Runs now and after each change of language.
  function watch(run) {
    watchers.push(run);
    run();
  }

  Crier.words = { add: add, say: say, tag: tag, apply: apply, toggle: toggle, watch: watch };
})(window.Crier = window.Crier || {});
