package admin

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func scrape(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counted are metrics of which one tells how often they were asked.
func counted() (m *Metrics, asked func() int) {
	m = NewMetrics("test")
	var mu sync.Mutex
	n := 0
	m.Add(func(s *Scrape) {
		mu.Lock()
		defer mu.Unlock()
		n++
		s.Gauge("crier_asked", "How often.", float64(n))
	})
	return m, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func TestAllWhoAskWithinASecondAreToldTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, asked := counted()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got := scrape(m); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "crier_asked 1\n") {
					t.Errorf("answered with %d, asked %d times", got.Code, asked())
				}
			})
		}
		all.Wait()
		time.Sleep(time.Second)
		if got := scrape(m).Body.String(); !strings.Contains(got, "crier_asked 2\n") {
			t.Error("a second later it is not asked anew")
		}
	})
}

func TestEachScraperIsToldInItsForm(t *testing.T) {
	m, _ := counted()
	plain := scrape(m)
	packed := scrape(m, "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
		t.Fatalf("encoded as %q and %q", packed.Header().Get("Content-Encoding"), plain.Header().Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || !strings.Contains(string(text), "crier_asked ") {
		t.Errorf("unpacked %d bytes, %v", len(text), err)
	}
	const binary = "application/vnd.google.protobuf"
	delimited := scrape(m, "Accept", binary+";proto=io.prometheus.client.MetricFamily;encoding=delimited")
	if got := delimited.Header().Get("Content-Type"); !strings.HasPrefix(got, binary) {
		t.Errorf("Protocol Buffers come as %q", got)
	}
}

func TestWhoAsksForManyFormsIsToldTheUsualOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, asked := counted()
		for i := range 100 {
			if got := scrape(m, "Accept", fmt.Sprintf("x/%d", i)); got.Code != http.StatusOK {
				t.Fatalf("answered with %d", got.Code)
			}
		}
		if n := asked(); n > mostForms+1 {
			t.Errorf("the parts were asked %d times within a second", n)
		}
	})
}
