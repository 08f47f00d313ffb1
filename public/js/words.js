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
      lostFor: "Connection lost: {reason}. Trying again in {n} s.",
      trying: "Connecting again…",
      device: "This device is offline. Trying again in {n} s.",
      refused: "The server said no: {reason}. Trying again in {n} s.",
      refusedPlain: "The server said no. Trying again in {n} s.",
      kicked: "The server ended this connection.",
      kickedFor: "The server ended this connection: {reason}.",
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
      emptyHint: "What you say is heard by everyone who is here, and kept for those who come later.",
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
      first: "This is the oldest that is kept.",
      mostShown: "What is older is kept, but this page shows no more.",
      pastLater: "What was said before can't be shown now: {reason}. The page asks again by itself.",
      toNews: "↓ {n} new",
      toEnd: "↓ Latest",
      waiting: "waiting to be sent",
      sending: "on its way",
      done: "sent",
      failed: "not sent",
      stateFor: "{state}: {reason}",
      retry: "Retry",
      cut: "… ({n} more characters)",
      binary: "[{n} bytes]",
      warned: "The server says: {reason}.",
      later: "Not sent yet: {reason}. It goes out by itself.",
      joinLater: "Not in the room yet: {reason}. The page asks again by itself.",
      why_bad_name: "This name can't be used: {detail}",
      why_bad_message: "the server can't take it: {message}",
      why_bad_options: "the server does not understand this page: {detail}",
      why_too_large: "it is too long for this server ({message})",
      why_id_taken: "something else was sent under its id",
      why_rate: "too much was sent in a short time",
      why_rate_limit: "too much was sent, and it did not stop",
      why_busy: "the server has too much to store",
      why_not_stored: "the server's disk takes nothing at the moment",
      why_not_read: "what was said before can't be read at the moment",
      why_internal: "the server has a fault",
      why_too_slow: "the connection was too slow for it",
      why_crowded: "too many connections come from this address",
      why_unavailable: "it is full, or shutting down",
      why_foreign: "it does not serve pages of this address ({message})",
      why_proxied: "a proxy in front of it seems to change the Host header; its log says how to set the proxy right",
      why_unnamed: "it does not answer to the name in the address bar",
      why_unsure: "it may not have been sent",
      why_lost_each_time: "the connection ended each time that it was sent",
      why_old: "it was written on an earlier visit",
      why_full: "too many messages wait"
    },
    zh: {
      connecting: "正在连接",
      live: "已连接",
      reconnecting: "正在重连 {n}",
      offline: "离线",
      lost: "连接已断开，{n} 秒后重试。",
      lostFor: "连接已断开：{reason}。{n} 秒后重试。",
      trying: "正在重新连接…",
      device: "设备已离线，{n} 秒后重试。",
      refused: "服务器拒绝了连接：{reason}。{n} 秒后重试。",
      refusedPlain: "服务器拒绝了连接。{n} 秒后重试。",
      kicked: "服务器结束了此连接。",
      kickedFor: "服务器结束了此连接：{reason}。",
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
      emptyHint: "你说的话，在线的每个人都能听到，也会留给之后到来的人。",
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
      first: "这是保留的最早一条。",
      mostShown: "更早的消息仍有保留，但此页面不再显示更多。",
      pastLater: "暂时无法显示以前的消息：{reason}。页面会自动重试。",
      toNews: "↓ {n} 条新消息",
      toEnd: "↓ 最新",
      waiting: "等待发送",
      sending: "正在发送",
      done: "已发送",
      failed: "未发送",
      stateFor: "{state}：{reason}",
      retry: "重试",
      cut: "…（还有 {n} 个字符）",
      binary: "[{n} 字节]",
      warned: "服务器提示：{reason}。",
      later: "尚未发送：{reason}。稍后会自动发送。",
      joinLater: "尚未加入：{reason}。页面会自动重试。",
      why_bad_name: "这个名字不能用：{detail}",
      why_bad_message: "服务器无法接受：{message}",
      why_bad_options: "服务器无法理解此页面：{detail}",
      why_too_large: "消息过长，服务器无法接受（{message}）",
      why_id_taken: "它的编号已用于另一条消息",
      why_rate: "短时间内发送过多",
      why_rate_limit: "发送过多，且未放慢",
      why_busy: "服务器待存储的消息过多",
      why_not_stored: "服务器的磁盘暂时无法写入",
      why_not_read: "暂时无法读取以前的消息",
      why_internal: "服务器出现故障",
      why_too_slow: "连接太慢，未能及时送达",
      why_crowded: "此地址的连接过多",
      why_unavailable: "服务器已满或正在关闭",
      why_foreign: "它不为此地址的页面提供服务（{message}）",
      why_proxied: "它前面的代理似乎改写了 Host 请求头；服务器日志里写明了如何修正代理",
      why_unnamed: "它不接受地址栏中的这个主机名",
      why_unsure: "可能未送达",
      why_lost_each_time: "每次发送时连接都中断",
      why_old: "它写于之前的访问",
      why_full: "等待发送的消息过多"
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

  function has(key) {
    return Object.prototype.hasOwnProperty.call(tables[language], key);
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

  Crier.words = { add: add, has: has, say: say, tag: tag, apply: apply, toggle: toggle, watch: watch };
})(window.Crier = window.Crier || {});
