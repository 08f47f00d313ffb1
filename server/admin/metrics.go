// Package admin shows operators how Crier fares.
package admin

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what Prometheus is told. They are an http.Handler.
type Metrics struct {
	http.Handler

	registry *prometheus.Registry
}

// NewMetrics returns the metrics of the process and of its Go runtime, to which those of Crier's parts are added.
func NewMetrics(version string) *Metrics {
	registry := prometheus.NewRegistry()
	m := &Metrics{
		Handler:  &shared{render: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})},
		registry: registry,
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Add(func(s *Scrape) {
		s.Gauge("crier_build_info", "1, for the version that runs.", 1, "version", version, "go", runtime.Version())
	})
	return m
}

// Add adds a part's metrics. If another part has one of the same name and labels, every scrape fails.
func (m *Metrics) Add(p Part) { m.registry.MustRegister(p) }

// A Part puts the metrics of one part of Crier into a scrape, the same ones with the same labels each time. It is
// called concurrently.
type Part func(*Scrape)

// Describe implements prometheus.Collector. It says nothing, which leaves the check to each scrape: parts have
// metrics of one name, told apart by a label, and a registry takes what is described beforehand from one of them
// alone.
func (p Part) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (p Part) Collect(ch chan<- prometheus.Metric) { p(&Scrape{ch}) }

// A Scrape takes metrics. Labels are names and values in turn.
type Scrape struct {
	metrics chan<- prometheus.Metric
}

// Gauge takes how things stand.
func (s *Scrape) Gauge(name, help string, value float64, labels ...string) {
	s.put(prometheus.GaugeValue, name, help, value, labels)
}

// Counter takes what has happened so far. The name ends in _total.
func (s *Scrape) Counter(name, help string, value uint64, labels ...string) {
	s.put(prometheus.CounterValue, name, help, float64(value), labels)
}

// CounterOf takes what has added up so far, such as seconds. The name ends in _total.
func (s *Scrape) CounterOf(name, help string, value float64, labels ...string) {
	s.put(prometheus.CounterValue, name, help, value, labels)
}

func (s *Scrape) put(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	s.metrics <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}
