package config

import (
	"log/slog"
	"strings"
	"time"
)

// setting is one row of the table: what the user may set, without the type of its value.
type setting struct {
	name     string // the key in the file
	effect   string // what it does, in a sentence or two
	word     string
	allowed  string
	fallback string // the default, as the user would write it
	lifted   string // the value with limits: trusted; empty: the default
	set      func(c *Config, text string) error
	yaml     func(c *Config) string
	take     func(to, from *Config)
	isBool   bool
	orNone   bool // see kind
}

// liftedTo says which value the setting has with limits: trusted.
func (s *setting) liftedTo(text string) *setting {
	s.lifted = text
	return s
}

// env is the setting's name as a variable: CRIER_PING_INTERVAL.
func (s *setting) env() string { return envPrefix + strings.ToUpper(s.name) }

// flag is the setting's name on the command line: ping-interval.
func (s *setting) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

// declare joins a name to a field of Config.
func declare[T any](name, fallback string, k kind[T], field func(*Config) *T, effect string) *setting {
	_, isBool := any(*field(&Config{})).(bool)
	return &setting{
		name: name, effect: effect, word: k.word, allowed: k.allowed, fallback: fallback, isBool: isBool, orNone: k.orNone,
		yaml: func(c *Config) string { return k.format(*field(c)) },
		take: func(to, from *Config) { *field(to) = *field(from) },
		set: func(c *Config, text string) error {
			value, err := k.parse(text)
			if err == nil {
				*field(c) = value
			}
			return err
		},
	}
}

// settings is the one place where a setting is declared.
var settings = []*setting{
	declare("addr", ":3000", address(), func(c *Config) *string { return &c.Addr },
		`Where Crier listens. Without a host it is every address of the machine. When the variable CRIER_ADDR is `+
			`not set, PORT is honoured as ":$PORT".`),
	declare("echo_addr", "", optional(address()), func(c *Config) *string { return &c.EchoAddr },
		`An address of its own for the plain WebSocket endpoint /ws/echo, on any path.`),
	declare("hello_addr", "", optional(address()), func(c *Config) *string { return &c.HelloAddr },
		`An address of its own for the plain WebSocket endpoint /ws/hello, on any path.`),
	declare("chat_addr", "", optional(address()), func(c *Config) *string { return &c.ChatAddr },
		`An address of its own for the plain WebSocket endpoint /ws/chat, on any path.`),
	declare("news_addr", "", optional(address()), func(c *Config) *string { return &c.NewsAddr },
		`An address of its own for the plain WebSocket endpoint /ws/news, on any path.`),

	declare("metrics", "true", boolean(), func(c *Config) *bool { return &c.Metrics },
		`Whether /metrics tells Prometheus how Crier fares.`),
	declare("metrics_addr", "", optional(address()), func(c *Config) *string { return &c.MetricsAddr },
		`An address of its own for the metrics, on any path; they are on no other then.`),

	declare("tls_cert", "", files(), func(c *Config) *[]string { return &c.TLSCert },
		`The certificate, as a PEM file: the server's own first, then its chain. With it addr, echo_addr, `+
			`hello_addr, chat_addr and news_addr speak TLS alone (https, wss). It is read again when it changes. `+
			`Several, with commas between them: each client gets the one that fits the name it asks for, or the first.`),
	declare("tls_key", "", files(), func(c *Config) *[]string { return &c.TLSKey },
		`The private key of tls_cert, as a PEM file; of several, in the same order.`),
	declare("acme_hosts", "", hostNames(), func(c *Config) *[]string { return &c.ACMEHosts },
		`The names for which Crier gets certificates by itself, by ACME, in the place of tls_cert. To set it is to `+
			`agree to the terms of the certificate authority. It must reach Crier under each name: on port 443 `+
			`(addr), or on port 80 (redirect_addr). What it gives is kept in the folder data.`),
	declare("acme_email", "", optional(email()), func(c *Config) *string { return &c.ACMEEmail },
		`Where the certificate authority may write to.`),
	declare("acme_directory", "https://acme-v02.api.letsencrypt.org/directory", httpsURL(),
		func(c *Config) *string { return &c.ACMEDirectory },
		`The certificate authority: the URL of its ACME directory.`),
	declare("acme_ca", "", optional(file()), func(c *Config) *string { return &c.ACMECA },
		`The certificates, as a PEM file, by which a private acme_directory itself is known. Empty: those of the system.`),
	declare("redirect_addr", "", optional(address()), func(c *Config) *string { return &c.RedirectAddr },
		`An address that speaks plain HTTP, such as ":80", and sends browsers on to https. It also answers the `+
			`certificate authority of acme_hosts (HTTP-01).`),
	declare("redirect_port", "0", count(0, 65535), func(c *Config) *int { return &c.RedirectPort },
		`The port of https that clients are sent to. 0: the one of addr. For containers, whose ports have other `+
			`numbers outside.`),
	declare("hsts", "0s", duration(0, 10*365*24*time.Hour), func(c *Config) *time.Duration { return &c.HSTS },
		`For how long browsers that have seen the page over https come back by https alone `+
			`(Strict-Transport-Security). 0s: they are not told.`),

	declare("log_level", "info", level(), func(c *Config) *slog.Level { return &c.LogLevel },
		`The lowest level that is logged. "debug" also shows every request.`),
	declare("log_format", "auto", oneOf("auto", "json", "text"), func(c *Config) *string { return &c.LogFormat },
		`How the log on standard error is written. "auto" is text on a terminal and JSON elsewhere.`),

	declare("data", "./data", folder(), func(c *Config) *string { return &c.Data },
		`The folder in which what was said is kept, through restarts and crashes; it is made if need be, and `+
			`belongs to one Crier alone. Empty: it is kept in memory, and lost with the process.`),
	declare("feed_max_age", "7d", duration(time.Second, 100*365*24*time.Hour),
		func(c *Config) *time.Duration { return &c.FeedMaxAge },
		`How long what was said is kept.`),
	declare("feed_max_entries", "100000", count(1, 100_000_000), func(c *Config) *int { return &c.FeedMaxEntries },
		`How many messages are kept.`),
	declare("feed_max_bytes", "256MiB", size[int64](1<<10, 1<<40), func(c *Config) *int64 { return &c.FeedMaxBytes },
		`How many bytes are kept, on the disk or in memory.`),

	declare("path", "/socket.io/", mountPath(), func(c *Config) *string { return &c.Path },
		`Where Socket.IO and its client scripts are served. Clients must be told when it is not the default.`),
	declare("allowed_origins", "", origins(), func(c *Config) *[]string { return &c.AllowedOrigins },
		`Which pages of other origins may connect; "https://*.example.org" are those of all subdomains. Without any, `+
			`only pages that Crier itself serves may. "null" lets in files opened from the disk, and every page that `+
			`hides its origin; "file://" pages in Cordova and Electron; "*" every page on the web. In a variable or `+
			`flag, commas go between them.`),
	declare("allowed_hosts", "", hosts(), func(c *Config) *[]string { return &c.AllowedHosts },
		`By which names, without ports, Crier may be asked; else it answers 421. IP addresses and localhost are always `+
			`accepted, at metrics_addr also names without a dot. If the list is empty, every name is accepted, unless `+
			`addr is a loopback address, as in 127.0.0.1:3000, and trusted_proxies is empty: then only IP addresses and `+
			`localhost are, since a page can turn its own name to this machine (DNS rebinding).`),
	declare("trusted_proxies", "", networks(), func(c *Config) *[]string { return &c.TrustedProxies },
		`The proxies, as addresses or networks, that are believed when they say from which address a request comes `+
			`(X-Forwarded-For, Forwarded) and for which host it is (X-Forwarded-Host). Without them the limits for an `+
			`address count all clients behind a proxy as one.`),
	declare("transports", "polling,websocket", someOf("polling", "websocket"),
		func(c *Config) *[]string { return &c.Transports },
		`Which transports clients may use. JSONP is a form of polling.`),
	declare("allow_upgrades", "true", boolean(), func(c *Config) *bool { return &c.AllowUpgrades },
		`Whether a session on polling may move to WebSocket.`),
	declare("allow_eio3", "true", boolean(), func(c *Config) *bool { return &c.AllowEIO3 },
		`Whether clients of the 1.x and 2.x releases, which speak Engine.IO 3, may connect.`),

	declare("ping_interval", "25s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.PingInterval },
		`How often a quiet client is asked whether it is still there. Keep it under the idle timeout of every `+
			`proxy on the way.`),
	declare("ping_timeout", "20s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.PingTimeout },
		`How long the answer may take before the session ends with "ping timeout".`),
	declare("upgrade_timeout", "10s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.UpgradeTimeout },
		`How long a move from polling to WebSocket may take before the session stays on polling.`),
	declare("connect_timeout", "45s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.ConnectTimeout },
		`How long a session may go without joining a namespace before it is closed.`),
	declare("write_timeout", "20s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.WriteTimeout },
		`How long a client may take no bytes of what is written to it before its connection is closed.`),

	declare("message_timeout", "1m", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.MessageTimeout },
		`How long one inbound message, or one POST of a polling client, may take from its first byte to its last.`),

	declare("limits", "usual", oneOf("usual", Trusted), func(c *Config) *string { return &c.Limits },
		`"trusted" lifts what one client or one address may do at most, for networks in which every client is `+
			`one's own, and for measuring; what is for all clients together stays. A setting that is given goes `+
			`over it.`),
	declare("max_held_bytes", "256MiB", size[int64](1<<20, 1<<40), func(c *Config) *int64 { return &c.MaxHeldBytes },
		`How much is held for all clients together: what waits for them, and what of theirs is not handled yet. `+
			`One address may have a quarter of what is still free. Whoever holds most is disconnected first.`),
	declare("max_connections", "0", count(0, 10_000_000), func(c *Config) *int { return &c.MaxConnections },
		`How many TCP connections may be open. At the limit the connection that has been idle longest, of the `+
			`address that has most, is closed; where none is idle, a new one. 0: as many as the system allows `+
			`(ulimit -n), less some for files.`),
	declare("max_address_connections", "0", count(0, 10_000_000),
		func(c *Config) *int { return &c.MaxAddressConnections },
		`How many of these one address (of IPv6: one /64) may have once half of all are taken; trusted_proxies `+
			`may have all. 0: a quarter of max_connections, and at least 256 more than max_address_sessions.`).
		liftedTo("10000000"),
	declare("max_sessions", "100000", count(1, 10_000_000), func(c *Config) *int { return &c.MaxSessions },
		`How many Socket.IO sessions may be open; more are answered with 503.`),
	declare("max_address_sessions", "1000", count(1, 10_000_000),
		func(c *Config) *int { return &c.MaxAddressSessions },
		`How many sessions and plain WebSockets one address (of IPv6: one /64; its /56 twice, its /48 four times `+
			`as many) may have open; more are answered with 429, or closed with code 1013. A school or an office `+
			`is often one address.`).
		liftedTo("10000000"),
	declare("max_address_rate", "100", count(1, 10_000_000), func(c *Config) *int { return &c.MaxAddressRate },
		`How many of these one address may open in a second, sustained; max_address_sessions at once, for when `+
			`all come back after a restart. More are answered with 429.`).
		liftedTo("10000000"),
	declare("max_message_rate", "20", count(1, 100_000_000), func(c *Config) *int { return &c.MaxMessageRate },
		`How many messages in a second one speaker may send, sustained. Who sends more is slowed: its messages `+
			`wait, and none is lost.`).
		liftedTo("100000000"),
	declare("max_message_burst", "500", count(1, 100_000_000), func(c *Config) *int { return &c.MaxMessageBurst },
		`How many messages one speaker may send at once after it was quiet.`).
		liftedTo("100000000"),
	declare("max_message_byte_rate", "64KiB", size[int](1<<10, 1<<30),
		func(c *Config) *int { return &c.MaxMessageByteRate },
		`How many bytes of messages in a second one speaker may send, sustained. Who sends more is slowed.`).
		liftedTo("1GiB"),
	declare("max_message_byte_burst", "1MiB", size[int](1<<10, 1<<30),
		func(c *Config) *int { return &c.MaxMessageByteBurst },
		`How many bytes of messages one speaker may send at once. A larger message is taken too, and what follows `+
			`waits longer.`).
		liftedTo("1GiB"),
	declare("max_read_rate", "1MiB", size[int](1<<10, 1<<30), func(c *Config) *int { return &c.MaxReadRate },
		`How many bytes in a second one client may be told of what was said before (history and catching up), `+
			`sustained; eight times as many at once. More is told later.`).
		liftedTo("1GiB"),
	declare("max_event_rate", "10000", count(1, 100_000_000), func(c *Config) *int { return &c.MaxEventRate },
		`How many events in a second one session may send, sustained; twice as many at once. Then it is warned, `+
			`and disconnected when it goes on.`).
		liftedTo("100000000"),
	declare("max_byte_rate", "16MiB", size[int](1<<10, 1<<30), func(c *Config) *int { return &c.MaxByteRate },
		`The same for the bytes of these events.`).
		liftedTo("1GiB"),
	declare("max_packet_rate", "20000", count(1, 100_000_000), func(c *Config) *int { return &c.MaxPacketRate },
		`The same for packets of any kind, heartbeats and WebSocket pings included.`).
		liftedTo("100000000"),

	declare("max_payload", "1MB", size[int](1<<10, 1<<30), func(c *Config) *int { return &c.MaxPayload },
		`How much one inbound message, or one POST of a polling client, may hold.`),
	declare("max_packets", "65536", count(1, 65_536), func(c *Config) *int { return &c.MaxPackets },
		`How many packets one POST of a polling client may hold.`),
	declare("max_fragments", "1024", count(1, 1_000_000), func(c *Config) *int { return &c.MaxFragments },
		`How many frames one WebSocket message may come in.`),
	declare("max_queue", "4MiB", size[int](1<<10, 1<<30), func(c *Config) *int { return &c.MaxQueue },
		`How much may wait for one slow client before its session is closed.`),
	declare("max_attachments", "10", count(1, 10_000), func(c *Config) *int { return &c.MaxAttachments },
		`How many binary attachments one event of a client may have.`),
	declare("max_depth", "256", count(1, 10_000), func(c *Config) *int { return &c.MaxDepth },
		`How deep the JSON of a client may be nested.`),
	declare("max_inbox", "256", count(1, 1_000_000), func(c *Config) *int { return &c.MaxInbox },
		`How many events of one socket may wait for their turn before its session is not read for a while.`),
	declare("max_namespaces", "16", count(1, 10_000), func(c *Config) *int { return &c.MaxNamespaces },
		`How many namespaces one session may join.`),

	declare("max_rooms", "1000", count(1, 1_000_000), func(c *Config) *int { return &c.MaxRooms },
		`How many rooms one socket may be in.`),
	declare("max_acks", "10000", count(1, 10_000_000), func(c *Config) *int { return &c.MaxAcks },
		`How many acknowledgements of one socket may be waited for.`),
	declare("max_event_name", "256", size[int](1, 1<<20), func(c *Config) *int { return &c.MaxEventName },
		`How long the name of an event may be.`),
	declare("max_name", "64", count(1, 10_000), func(c *Config) *int { return &c.MaxName },
		`How many characters the name of a speaker may have.`),

	declare("recovery", "true", boolean(), func(c *Config) *bool { return &c.Recovery },
		`Whether a client of Socket.IO 4.6 or newer that loses its connection goes on where it was: in its rooms, `+
			`with what it has missed. Events to clients of 3.0 and newer then have an offset as one more `+
			`argument.`),
	declare("recovery_time", "2m", duration(10*time.Millisecond, 24*time.Hour),
		func(c *Config) *time.Duration { return &c.RecoveryTime },
		`How long after it was lost a client can go on where it was.`),
	declare("max_recovery_packets", "10000", count(1, 10_000_000),
		func(c *Config) *int { return &c.MaxRecoveryPackets },
		`How many events are held for clients that may come back. One that has missed more than is held is new.`),
	declare("max_recovery_bytes", "16MiB", size[int](1<<10, 1<<34),
		func(c *Config) *int { return &c.MaxRecoveryBytes },
		`How much those events may hold.`),
	declare("max_recovery_sessions", "10000", count(1, 10_000_000),
		func(c *Config) *int { return &c.MaxRecoverySessions },
		`How many lost clients can go on where they were. Those lost first are given up first.`),

	declare("max_plain", "10000", count(1, 10_000_000), func(c *Config) *int { return &c.MaxPlain },
		`How many clients /ws/news takes, and how many the other plain WebSocket endpoints take together; more `+
			`are closed with code 1013.`),
	declare("max_plain_rate", "200", count(1, 1_000_000), func(c *Config) *int { return &c.MaxPlainRate },
		`How many messages in a second one client of a plain WebSocket endpoint may send, pings and pongs `+
			`included, sustained; twice as many at once. More closes it with code 1008.`).
		liftedTo("1000000"),

	declare("websocket_compression", "false", boolean(), func(c *Config) *bool { return &c.WebSocketCompression },
		`Whether WebSocket messages are compressed (permessage-deflate) for clients that offer it. Saves bytes, `+
			`costs processor time and memory.`),
	declare("http_compression", "true", boolean(), func(c *Config) *bool { return &c.HTTPCompression },
		`Whether files and polling answers over 1 KiB are compressed (gzip) for clients that accept it.`),

	declare("read_header_timeout", "10s", duration(10*time.Millisecond, time.Hour),
		func(c *Config) *time.Duration { return &c.ReadHeaderTimeout },
		`How long the headers of a request may take to arrive.`),
	declare("idle_timeout", "2m", duration(10*time.Millisecond, 24*time.Hour),
		func(c *Config) *time.Duration { return &c.IdleTimeout },
		`How long a kept-alive connection may wait for its next request. Keep it over the idle timeout of the `+
			`proxy in front.`),
	declare("max_header_bytes", "32KiB", size[int](1<<10, 1<<24), func(c *Config) *int { return &c.MaxHeaderBytes },
		`How much the headers of a request may hold, cookies included.`),
	declare("max_headers", "100", count(1, 10_000), func(c *Config) *int { return &c.MaxHeaders },
		`How many header fields a request may have; more are answered with 431.`),
	declare("drain_timeout", "7s", duration(0, time.Hour),
		func(c *Config) *time.Duration { return &c.DrainTimeout },
		`How long clients have to leave, once Crier was told to stop, before their connections are cut. The feed may take `+
			`2s more; docker stop kills after 10s.`),
}

// lookup finds a setting by what name makes of it.
func lookup(text string, name func(*setting) string) *setting {
	for _, s := range settings {
		if name(s) == text {
			return s
		}
	}
	return nil
}
