// What a close code means: IANA's registry of WebSocket close code numbers, and the ranges of RFC 6455, section 7.4.2.
(function (Crier) {
  "use strict";

  var registered = [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 3000, 3003, 3008];
  var longestReason = 123;

  Crier.words.add({
    en: {
      code1000: "normal: what the connection was for is done",
      code1001: "going away: the server stops, or the page was left",
      code1002: "protocol error: the other side broke the rules of WebSocket",
      code1003: "unsupported data: a kind, such as binary, that this endpoint does not take",
      code1004: "reserved: it has no meaning yet",
      code1005: "no code: the close frame carried none (never sent itself)",
      code1006: "abnormal: the connection ended, or never began, without a close frame (never sent itself)",
      code1007: "invalid data: such as text that is not UTF-8",
      code1008: "policy: against the rules of the endpoint (origin, rate, no leave)",
      code1009: "too big: a message larger than the other side takes",
      code1010: "extension missing: the client needed one that the server did not accept",
      code1011: "internal error: the server met something that it did not expect",
      code1012: "restart: the server will be back, try again soon",
      code1013: "try again later: the server is too busy, or the client too slow",
      code1014: "bad gateway: a server behind a gateway gave no proper answer",
      code1015: "TLS failed: no secure connection came about (never sent itself)",
      code3000: "unauthorized: sign in first",
      code3003: "forbidden: signed in, and still not allowed",
      code3008: "timeout: something took too long",
      codeUnused: "not used: codes begin at 1000",
      codeProtocol: "reserved for the protocol and its extensions, not assigned",
      codeLibrary: "of a library or framework (3000 to 3999 are registered with IANA)",
      codeApplication: "of the application (4000 to 4999 mean what its two ends agree on)",
      codeNone: "no close code: they end at 4999",
      badCode: "A page may close with 1000, or with 3000 to 4999; empty means no code.",
      badReason: "The reason is {n} bytes long; a close frame has room for {most}.",
      reasonAlone: "A reason needs a code before it."
    },
    zh: {
      code1000: "正常关闭：连接的任务已经完成",
      code1001: "离开：服务器停止，或用户离开了页面",
      code1002: "协议错误：对方违反了 WebSocket 协议",
      code1003: "不支持的数据：此端点不接受这一类型（例如二进制）",
      code1004: "保留：尚无含义",
      code1005: "无代码：关闭帧中没有代码（不会真正发送）",
      code1006: "异常：没有关闭帧，连接就断开了，或从未建立（不会真正发送）",
      code1007: "数据无效：例如不是 UTF-8 的文本",
      code1008: "违反策略：不符合端点的规则（来源、频率、权限）",
      code1009: "消息过大：超过了对方接受的上限",
      code1010: "缺少扩展：客户端需要的扩展，服务器没有接受",
      code1011: "内部错误：服务器遇到了意外情况",
      code1012: "服务重启：服务器很快恢复，请稍后重连",
      code1013: "稍后再试：服务器太忙，或客户端太慢",
      code1014: "网关错误：网关后面的服务器没有给出正确的应答",
      code1015: "TLS 失败：未能建立安全连接（不会真正发送）",
      code3000: "未认证：请先登录",
      code3003: "禁止：已登录，但没有权限",
      code3008: "超时：某个操作用时过长",
      codeUnused: "不使用：代码从 1000 开始",
      codeProtocol: "保留给协议及其扩展，尚未分配",
      codeLibrary: "属于某个库或框架（3000 至 3999 在 IANA 登记）",
      codeApplication: "属于应用自身（4000 至 4999 的含义由两端约定）",
      codeNone: "不是关闭代码：最大为 4999",
      badCode: "网页只能用 1000 或 3000 至 4999 关闭；留空表示不带代码。",
      badReason: "原因有 {n} 字节；关闭帧只能容纳 {most} 字节。",
      reasonAlone: "要写原因，须先有代码。"
    }
  });

  function rangeOf(code) {
    if (code < 1000) {
      return "codeUnused";
    }
    if (code < 3000) {
      return "codeProtocol";
    }
    if (code < 4000) {
      return "codeLibrary";
    }
    return code < 5000 ? "codeApplication" : "codeNone";
  }

  function meaning(code) {
    return Crier.words.say(registered.indexOf(code) >= 0 ? "code" + code : rangeOf(code));
  }

  // What a script may close with (WHATWG WebSockets, close()), as typed. Returns "" or what is wrong, in words.
  function objection(code, reason) {
    var number = Number(code);
    var bytes = Crier.bytes.utf8Length(reason);
    if (code !== "" && (!/^\d{4}$/.test(code) || number !== 1000 && (number < 3000 || number > 4999))) {
      return Crier.words.say("badCode");
    }
    if (code === "" && reason !== "") {
      return Crier.words.say("reasonAlone");
    }
    return bytes > longestReason ? Crier.words.say("badReason", { n: bytes, most: longestReason }) : "";
  }

  Crier.codes = { registered: registered, meaning: meaning, objection: objection, longestReason: longestReason };
})(window.Crier = window.Crier || {});
