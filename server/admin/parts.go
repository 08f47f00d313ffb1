package admin

import (
	"strings"
	"unicode"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/socketio"
)

// Setting returns the setting that stands behind a limit of one of the server's packages.
func Setting(limit string) string {
	switch limit {
	case "Addresses.MaxOpen":
		return "max_address_sessions"
	case "Addresses.MaxRate":
		return "max_address_rate"
	case "Kept":
		return "feed_max_entries"
	case "MaxClients":
		return "max_plain"
	case "MaxRate":
		return "max_plain_rate"
	}
	var b strings.Builder
	for i, r := range limit {
		switch {
		case r == ' ':
			r = '_'
		case unicode.IsUpper(r) && i > 0:
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Hits puts in how often the limits of a part were met.
func (s *Scrape) Hits(part string, hits map[string]uint64) {
	for limit, n := range hits {
		s.Counter("crier_limit_hits_total", "How often a limit was met, by the setting behind it.", n,
			"part", part, "limit", Setting(limit))
	}
}

// traffic is what the parts that have clients have in common.
func (s *Scrape) traffic(part string, queued int, received, sent uint64) {
	s.Gauge("crier_queued_bytes", "Bytes that wait for clients, or are on their way to them.", float64(queued),
		"part", part)
	s.Counter("crier_packets_received_total", "Packets and plain messages from clients, heartbeats included.", received,
		"part", part)
	s.Counter("crier_packets_sent_total", "Packets and plain messages queued for clients, heartbeats included.", sent,
		"part", part)
}

// SocketIO tells of the sessions, and of the sockets in them.
func SocketIO(stats func() socketio.Stats) Part {
	return func(s *Scrape) {
		st := stats()
		e := &st.Engine
		s.Gauge("crier_sessions", "Open sessions.", float64(e.Polling), "transport", "polling")
		s.Gauge("crier_sessions", "Open sessions.", float64(e.WebSocket), "transport", "websocket")
		s.Counter("crier_sessions_opened_total", "Sessions that were opened.", e.Opened)
		for reason, n := range e.Closed {
			s.Counter("crier_sessions_closed_total", "Sessions that have ended.", n, "reason", string(reason))
		}
		s.traffic("socketio", e.Queued, e.Received, e.Sent)
		s.Gauge("crier_namespaces", "Namespaces.", float64(st.Namespaces))
		s.Gauge("crier_sockets", "Connected sockets, of all namespaces.", float64(st.Sockets))
		s.Gauge("crier_rooms", "Rooms with somebody in them.", float64(st.Rooms))
		s.Counter("crier_events_total", "Events from clients.", st.Events)
		s.Counter("crier_events_refused_total", "Events that a handler answered with an error.", st.Refused)
		s.Counter("crier_volatile_dropped_total", "Volatile events that a client was not ready for.", st.Dropped)
		s.Counter("crier_rate_warnings_total", "Warnings to clients that sent too fast.", st.Warnings)
		s.recovery(&st.Recovery)
		s.Hits("engineio", e.Hits)
		s.Hits("socketio", st.Hits)
	}
}

func (s *Scrape) recovery(r *socketio.RecoveryStats) {
	s.Gauge("crier_recovery_packets", "Events that are held for clients that may come back.", float64(r.Packets))
	s.Gauge("crier_recovery_bytes", "Bytes of those events.", float64(r.Bytes))
	s.Gauge("crier_recovery_sessions", "Lost sessions that may come back.", float64(r.Sessions))
	const help = "Clients that asked for the socket that they had, by whether they got it."
	s.Counter("crier_recoveries_total", help, r.Recovered, "recovered", "true")
	s.Counter("crier_recoveries_total", help, r.New, "recovered", "false")
}

// Feed tells of what was said.
func Feed(stats func() feed.Stats) Part {
	return func(s *Scrape) {
		st := stats()
		working := 0.0
		if st.Working {
			working = 1
		}
		s.Gauge("crier_feed_working", "1 while what is said can be stored, else 0.", working)
		s.Gauge("crier_feed_first_offset", "The oldest offset that is held.", float64(st.First))
		s.Gauge("crier_feed_last_offset", "The newest offset.", float64(st.Last))
		s.Gauge("crier_feed_held", "Messages that are held.", float64(st.Held))
		s.Gauge("crier_feed_held_bytes", "Bytes of those messages, as feed_max_bytes counts them.", float64(st.HeldBytes))
		s.Gauge("crier_feed_waiting", "Messages that are not stored and passed on yet.", float64(st.Waiting))
		s.Gauge("crier_feed_waiting_bytes", "Bytes of those messages.", float64(st.WaitingBytes))
		const help = "Messages, by what became of them."
		s.Counter("crier_feed_messages_total", help, st.Stored, "result", "stored")
		s.Counter("crier_feed_messages_total", help, st.Repeated, "result", "repeated")
		s.Counter("crier_feed_messages_total", help, st.Failed, "result", "not_stored")
		s.Counter("crier_feed_messages_total", help, st.Busy, "result", "busy")
		s.Counter("crier_feed_messages_total", help, st.TooLarge, "result", "too_large")
	}
}

// Plain tells of the plain WebSocket endpoints.
func Plain(stats func() plain.Stats) Part {
	return func(s *Scrape) {
		st := stats()
		s.Gauge("crier_plain_clients", "Clients of the plain WebSocket endpoints.", float64(st.Clients))
		s.traffic("plain", st.Queued, st.Received, st.Sent)
		s.Hits("plain", st.Hits)
	}
}

// Connections tells of the TCP connections.
func (s *Scrape) Connections(open, most int, dropped uint64) {
	s.Gauge("crier_connections", "Open TCP connections.", float64(open))
	s.Gauge("crier_connections_max", "TCP connections that may be open.", float64(most))
	s.Counter("crier_connections_dropped_total", "Idle TCP connections that made place for others.", dropped)
}

// Shares tells of the bytes that are held for clients.
func (s *Scrape) Shares(st limit.SharesStats) {
	s.Gauge("crier_held_bytes", "Bytes that are held for clients.", float64(st.Held))
	s.Gauge("crier_held_bytes_max", "Bytes that may be held for clients.", float64(st.Max))
	s.Gauge("crier_held_addresses", "Addresses that bytes may be held for.", float64(st.Accounts))
	const help = "Clients that were disconnected because too much was held: for their address, or in all."
	s.Counter("crier_held_shed_total", help, st.ShedShare, "reason", "address")
	s.Counter("crier_held_shed_total", help, st.ShedSum, "reason", "sum")
	s.Counter("crier_held_near_total", "How often less than an eighth of the bytes that may be held was left.", st.Near)
}

// Refusals tells how many requests were refused for where they come from, or for whom they are, by reason.
func (s *Scrape) Refusals(reasons map[string]uint64) {
	const help = "Requests that were refused for the origin of their page, or for their host, by reason."
	for reason, n := range reasons {
		s.Counter("crier_refused_requests_total", help, n, "reason", reason)
	}
}

// Waits tells how often clients had to wait because they were too fast, and for how long in all.
func (s *Scrape) Waits(who string, w *limit.Waits) {
	n, all := w.Sum()
	s.Counter("crier_rate_waits_total", "How often a client had to wait because it was too fast.", n, "who", who)
	const help = "How long clients had to wait because they were too fast."
	s.CounterOf("crier_rate_wait_seconds_total", help, all.Seconds(), "who", who)
}
