package server

import (
	"net/http"
	"time"

	"github.com/crier/crier/server/admin"
)

// MetricsPath is where Prometheus finds the metrics, unless they have an address of their own.
const MetricsPath = "/metrics"

// Version is what the metrics call the version that runs; main sets it.
var Version = "(devel)"

// newMetrics returns the metrics of the house; each part is a line.
func (s *Server) newMetrics() *admin.Metrics {
	m := admin.NewMetrics(Version)
	m.Add(admin.SocketIO(s.io.Stats))
	m.Add(admin.Plain(s.plain.plain.Stats))
	m.Add(admin.Feed(s.feed.Stats))
	m.Add(s.ownMetrics)
	m.Add(s.logMetrics)
	return m
}

// ownMetrics are what the house itself bounds.
func (s *Server) ownMetrics(scrape *admin.Scrape) {
	scrape.Gauge("crier_addresses", "Addresses that are known: with something open, or lately so.",
		float64(s.addresses.Len()))
	scrape.Connections(s.connections.count(), s.connections.max, s.connections.dropped.Load())
	scrape.Shares(s.shares.Stats())
	scrape.Waits("speaker", &s.speakers)
	scrape.Waits("reader", &s.readers)
	scrape.Hits("http", s.hits.Counts())
	scrape.Refusals(s.refusals.counts.Counts())
	scrape.Counter("crier_http_unread_requests_total",
		"Requests that never came whole: too large, too late, not HTTP, or given up.", s.unread.count.Load())
	const wrong = "Clients that spoke TLS to a plain address, or plain HTTP to one of TLS."
	scrape.Counter("crier_wrong_protocol_total", wrong, s.spokeTLS.Load(), "spoken", "tls")
	scrape.Counter("crier_wrong_protocol_total", wrong, s.spokePlain.Load(), "spoken", "http")
	scrape.Counter("crier_hung_up_total", "HTTP/2 connections that were closed: the client reset too many requests.",
		s.hungUp.Load())
	if s.tls != nil {
		scrape.Counter("crier_tls_handshake_errors_total", "TLS handshakes that failed.", s.tls.failed.Load())
		for name, days := range s.tls.daysLeft() {
			scrape.Gauge("crier_tls_certificate_days", "Days until a certificate expires.", days, "name", name)
		}
	}
}

// metricsDoor serves the metrics on an address of their own. The deadline is what the page's files have too.
func (s *Server) metricsDoor(w http.ResponseWriter, r *http.Request) {
	deadline := time.Now().Add(s.config.WriteTimeout)
	_ = http.NewResponseController(w).SetWriteDeadline(deadline) // fails only in tests without a connection
	s.metrics.ServeHTTP(w, r)
}
