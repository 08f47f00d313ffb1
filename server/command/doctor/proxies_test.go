package doctor

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/config"
)

func TestACrierThatIsReachedAsItShouldHasNoFault(t *testing.T) {
	quick := func(c *config.Config) { c.PingInterval = 300 * time.Millisecond }
	r := run(t, exitOK, crier(t, quick))
	r.only(t)
	r.expect(t, "server", OK, "Crier; ")
	r.expect(t, "quiet-poll", OK, "ping came")
	r.expect(t, "quiet-socket", OK, "ping came")
	r.expect(t, "address", OK, "127.0.0.1")
	r.expect(t, "servers", OK, "one")
	if r.Server != "crier" || r.Version == "" || r.Faults+r.Warnings != 0 || r.OK+r.Skipped != len(r.Checks) {
		t.Errorf("%+v", r)
	}
}

func TestAProxyThatIsSetRightHasNoFault(t *testing.T) {
	proxy := serve(t, forward(t, crier(t, behindProxy), nil))
	r := run(t, exitOK, "--idle=0", proxy.URL)
	r.only(t)
	r.expect(t, "quiet-poll", Skipped)
}

// wrongProxies are proxies with a mistake each, the check that finds it, and what it says.
var wrongProxies = []struct {
	name  string
	edit  func(*httputil.ReverseProxy)
	check string
	also  []string // further checks that fail
	says  []string
}{
	{"Upgrade is not passed on", rewriting(func(r *httputil.ProxyRequest) {
		r.Out.Header.Del("Upgrade")
		r.Out.Header.Del("Connection")
	}), "websocket", []string{"upgrade"}, []string{"proxy_set_header Upgrade $http_upgrade"}},
	{"the Host is another", rewriting(func(r *httputil.ProxyRequest) {
		r.Out.Host = "inner.example"
		r.Out.Header.Del("X-Forwarded-Host")
	}), "own-page", nil, []string{"Host is inner.example", "proxy_set_header Host $http_host"}},
	{"no X-Forwarded-For, and that of clients", rewriting(func(r *httputil.ProxyRequest) {
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}), "address", nil, []string{"claim any address", "$proxy_add_x_forwarded_for"}},
	{"no X-Forwarded-For", rewriting(func(r *httputil.ProxyRequest) { r.Out.Header.Del("X-Forwarded-For") }), "address", nil,
		[]string{"all clients look like the proxy, 127.0.0.1", "$proxy_add_x_forwarded_for"}},
	{"answers are packed unasked", answering(func(a *http.Response) { a.Header.Set("Content-Encoding", "br") }), "answers", nil,
		[]string{"gzip off"}},
	{"Cache-Control gets lost", answering(func(a *http.Response) { a.Header.Del("Cache-Control") }), "answers", nil,
		[]string{"no-store"}},
	{"scripts are changed", answering(func(a *http.Response) {
		if !strings.Contains(a.Header.Get("Content-Type"), "javascript") {
			return
		}
		body, _ := io.ReadAll(a.Body)
		body = append([]byte("/* made small */"), body...)
		a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		a.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}), "jsonp", nil, []string{"script is not as the server sends it"}},
	{"the clock is wrong", answering(func(a *http.Response) {
		if !strings.HasSuffix(a.Request.URL.Path, "/"+diagnosisFile) {
			return
		}
		body, _ := io.ReadAll(a.Body)
		body = bytes.Replace(body, []byte(`"at":1`), []byte(`"at":2`), 1) // 31 years ahead
		a.Body = io.NopCloser(bytes.NewReader(body))
	}), "clock", nil, []string{"ahead of", "NTP"}},
}

func answering(change func(*http.Response)) func(*httputil.ReverseProxy) {
	return func(p *httputil.ReverseProxy) {
		p.ModifyResponse = func(a *http.Response) error {
			change(a)
			return nil
		}
	}
}

func TestEachMistakeOfAProxyIsFoundWithWhatToChange(t *testing.T) {
	url := crier(t, behindProxy)
	for _, c := range wrongProxies {
		t.Run(c.name, func(t *testing.T) {
			proxy := serve(t, forward(t, url, c.edit))
			code := exitFault
			if c.name == "Cache-Control gets lost" {
				code = exitOK
			}
			r := run(t, code, "--idle=0", proxy.URL)
			r.only(t, append(c.also, c.check)...)
			status := Fault
			if code == exitOK {
				status = Warning
			}
			r.expect(t, c.check, status, c.says...)
		})
	}
}

func TestAHostThatCrierDoesNotAnswerToIsFound(t *testing.T) {
	proxy := serve(t, forward(t, crier(t, nil), rewriting(func(r *httputil.ProxyRequest) { r.Out.Host = "chat.example.org" })))
	r := run(t, exitFault, proxy.URL)
	r.expect(t, "server", Fault, "421", "chat.example.org", "trusted_proxies", "allowed_hosts")
}

func TestAProxyThatCrierDoesNotTrustIsNamed(t *testing.T) {
	url := crier(t, nil)
	for _, edit := range []func(*httputil.ReverseProxy){
		nil, rewriting(func(r *httputil.ProxyRequest) { r.Out.Header.Del("X-Forwarded-For") }),
	} {
		proxy := serve(t, forward(t, url, edit))
		r := run(t, exitFault, "--idle=0", proxy.URL)
		r.only(t, "address")
		r.expect(t, "address", Fault, "all clients look like the proxy, 127.0.0.1", `trusted_proxies: ["127.0.0.1"]`)
	}
}

func TestALimitOfBodiesIsFound(t *testing.T) {
	to := forward(t, crier(t, behindProxy), nil)
	for name, refuse := range map[string]http.HandlerFunc{
		"413": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) },
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1000 {
					refuse(w, r)
					return
				}
				to.ServeHTTP(w, r)
			}))
			r := run(t, exitFault, "--idle=0", proxy.URL)
			r.only(t, "body-size")
			r.expect(t, "body-size", Fault, "a POST of 1000000 bytes", "client_max_body_size 977k")
		})
	}
}

func TestAPollWhoseAnswerIsHeldBackIsFound(t *testing.T) {
	to := forward(t, crier(t, behindProxy), nil)
	var held atomic.Int32
	proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPoll(r) {
			held.Add(1)
			w = &slow{w}
		}
		to.ServeHTTP(w, r)
	}))
	opts, err := parse([]string{proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	p := newProbe(opts)
	defer p.close()
	p.reach(t.Context())
	p.polling, p.late = true, 10*time.Millisecond
	r := p.checkDelay(t.Context())
	if r.Status != Fault || !strings.Contains(r.Seen, "a poll that waits is answered in") || len(r.Change) != 1 {
		t.Errorf("%+v", r)
	}
	if held.Load() < delayTries {
		t.Errorf("%d polls were made", held.Load())
	}
}

func isPoll(r *http.Request) bool {
	q := r.URL.Query()
	return r.Method == http.MethodGet && q.Get("transport") == "polling" && q.Get("sid") != ""
}

// slow holds an answer back for much longer than the test calls late.
type slow struct{ http.ResponseWriter }

func (s *slow) WriteHeader(status int) {
	<-time.After(100 * time.Millisecond)
	s.ResponseWriter.WriteHeader(status)
}

func TestAPollThatIsNeverAnsweredIsFound(t *testing.T) {
	to := forward(t, crier(t, behindProxy), nil)
	ctx, timeIsOver := context.WithCancel(t.Context())
	proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPoll(r) {
			timeIsOver()         // which nothing that is answered uses up
			<-r.Context().Done() // gathers answers until they are many
			return
		}
		to.ServeHTTP(w, r)
	}))
	p := reached(t, proxy.URL)
	p.polling = true
	r := p.checkDelay(ctx)
	r.Check = "delay"
	(&Report{Checks: []Result{r}}).expect(t, "delay", Fault, "no answer came within 10s", "switch off its buffering")
}

func TestSeveralServersBehindOneNameAreFound(t *testing.T) {
	one, other := forward(t, crier(t, behindProxy), nil), forward(t, crier(t, behindProxy), nil)
	var turn atomic.Int32
	inTurn := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turn.Add(1)%2 == 0 {
			one.ServeHTTP(w, r)
		} else {
			other.ServeHTTP(w, r)
		}
	}))
	r := run(t, exitFault, "--idle=0", inTurn.URL)
	r.expect(t, "servers", Fault, "2 Criers answer", "one Crier")

	cookie := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		node, err := r.Cookie("node")
		if err != nil {
			node = &http.Cookie{Name: "node", Value: strconv.Itoa(int(turn.Add(1) % 2))}
			http.SetCookie(w, node)
		}
		if node.Value == "0" {
			one.ServeHTTP(w, r)
		} else {
			other.ServeHTTP(w, r)
		}
	}))
	r = run(t, exitFault, "--idle=0", cookie.URL)
	r.only(t, "servers")
	r.expect(t, "servers", Fault, "2 Criers answer", "sticky sessions do not help")
}

func TestSessionsThatAreNotStickyAreFoundForAnyServer(t *testing.T) {
	one, other := forward(t, crier(t, nil), nil), forward(t, crier(t, nil), nil)
	var turn atomic.Int32
	proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, diagnosisFile):
			http.NotFound(w, r) // as if it were none of Crier
		case turn.Add(1)%2 == 0:
			one.ServeHTTP(w, r)
		default:
			other.ServeHTTP(w, r)
		}
	}))
	r := run(t, exitFault, "--idle=0", proxy.URL)
	r.expect(t, "servers", Fault, "Session ID unknown", "ip_hash")
	r.expect(t, "server", OK, "not Crier")
	r.expect(t, "address", Skipped)
}

func TestAProxyThatCutsQuietConnectionsIsFound(t *testing.T) {
	slowPings := func(c *config.Config) {
		behindProxy(c)
		c.PingInterval = 20 * time.Second
	}
	to := forward(t, crier(t, slowPings), nil)
	proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		quiet, cancel := context.WithTimeout(r.Context(), 1500*time.Millisecond)
		defer cancel()
		to.ServeHTTP(w, r.WithContext(quiet))
	}))
	r := run(t, exitFault, proxy.URL)
	r.expect(t, "quiet-poll", Fault, "cut after", "proxy_read_timeout", "ping_interval: ")
	r.expect(t, "quiet-socket", Fault, "cut after", "proxy_read_timeout")
}

func TestACacheThatAnswersHandshakesIsFound(t *testing.T) {
	to := forward(t, crier(t, behindProxy), nil)
	var mu sync.Mutex
	first := map[string]string{}
	proxy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("sid") != "" || q.Get("transport") != "polling" || q.Get("EIO") != "4" {
			to.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if first[r.URL.RawQuery] == "" {
			a := &kept{ResponseWriter: w}
			to.ServeHTTP(a, r)
			first[r.URL.RawQuery] = a.body.String()
			return
		}
		_, _ = io.WriteString(w, first[r.URL.RawQuery])
	}))
	r := run(t, exitFault, "--idle=0", proxy.URL)
	r.only(t, "answers")
	r.expect(t, "answers", Fault, "a cache answers")
}

// kept keeps the body of an answer.
type kept struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}
