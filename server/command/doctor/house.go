package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"time"
)

// Checks that need Crier's answer about a request, or its metrics.

const crierOnly = "only a Crier server can tell"

// diagnosisFile and diagnosis are server.DiagnosisFile and server.Diagnosis. This package is a client, and does not
// need the server.
const diagnosisFile = "doctor"

type diagnosis struct {
	Instance  string `json:"instance"`
	Address   string `json:"address"`
	Port      int    `json:"port"`
	Trusted   bool   `json:"trusted"`
	Forwarded bool   `json:"forwarded"`
	Unnamed   bool   `json:"unnamed"`
	At        int64  `json:"at"`
}

// readDiagnosis returns nil for what is not Crier's answer.
func readDiagnosis(a *answer) *diagnosis {
	d := &diagnosis{}
	if a.status != http.StatusOK || json.Unmarshal(a.body, d) != nil || d.Instance == "" || d.At == 0 {
		return nil
	}
	return d
}

var errNoDiagnosis = errors.New("no answer of Crier's came")

// diagnose asks Crier what it sees of a request.
func (p *probe) diagnose(ctx context.Context, header http.Header, fresh bool) (*diagnosis, *answer, error) {
	a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile, header: header, fresh: fresh})
	if err != nil {
		return nil, nil, err
	}
	if a.status != http.StatusOK {
		return nil, nil, &refusedError{a}
	}
	d := readDiagnosis(a)
	if d == nil {
		return nil, nil, errNoDiagnosis
	}
	return d, a, nil
}

// pretended is an address that nobody has (RFC 5737).
const pretended = "192.0.2.77"

const (
	adviseForwarded = "nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;    haproxy: option forwardfor"
	adviseTrusted   = `in Crier: trusted_proxies: ["%s"], the proxy's address`
)

// checkAddress asks which address Crier takes the client for, with and without a header that a client makes up.
func (p *probe) checkAddress(ctx context.Context) Result {
	if p.kind != "crier" {
		return skipped(crierOnly)
	}
	d, a, err := p.diagnose(ctx, nil, true)
	if err != nil {
		return faulty(err)
	}
	lie, _, err := p.diagnose(ctx, http.Header{"X-Forwarded-For": {pretended}}, true)
	if err != nil {
		return faulty(err)
	}
	seen, between := printable(d.Address), p.between(d, a)
	switch {
	case lie.Address == pretended && d.Trusted && (d.Forwarded || between == direct):
		return judgeTrust(seen)
	case lie.Address == pretended:
		return fault("a client can claim any address: the proxy passes on the X-Forwarded-For that clients write",
			adviseForwarded)
	case d.Unnamed:
		return fault("all clients look like the proxy, "+seen, fmt.Sprintf(adviseTrusted, seen))
	case d.Forwarded, between == direct:
		return ok("this client is seen as %s", seen)
	case between == proxied && d.Trusted:
		return fault("all clients look like the proxy, "+seen, adviseForwarded)
	case between == proxied:
		return fault("all clients look like the proxy, "+seen, adviseForwarded, fmt.Sprintf(adviseTrusted, seen))
	}
	return warning("this client, "+printable(a.local)+", is seen as "+seen,
		"right behind a router (NAT); else a container or a proxy hides all clients. "+adviseForwarded)
}

// judgeTrust is for a client whose own address is among trusted_proxies, and which may claim any for that.
func judgeTrust(seen string) Result {
	if a, err := netip.ParseAddr(seen); err == nil && a.IsLoopback() {
		return ok("this client is seen as %s, which trusted_proxies has", seen)
	}
	return warning("this client, "+seen+", is among trusted_proxies: it can claim any address",
		"right if a proxy runs there; else take it out of trusted_proxies")
}

// What lies between the client and Crier.
type between int

const (
	direct  between = iota
	proxied         // a proxy, surely
	unclear         // something changes the address: a proxy, a router, a container
)

// between compares the ends of the connection as each side sees them.
func (p *probe) between(d *diagnosis, a *answer) between {
	local, err := netip.ParseAddrPort(a.local)
	if err != nil {
		return unclear
	}
	seen, err := netip.ParseAddr(d.Address)
	same := err == nil && seen == local.Addr().Unmap().WithZone("")
	switch {
	case same && d.Port == int(local.Port()):
		return direct
	case same, d.Forwarded, a.front() != "", p.isPublic() && (seen.IsPrivate() || seen.IsLoopback()):
		return proxied
	}
	return unclear
}

// Clients whose clocks differ from the server's by more than the first misjudge the times of news; by more than the
// second, what is checked by time, such as tokens, fails.
const (
	clockOff  = 5 * time.Second
	clockFar  = time.Minute
	adviseNTP = "set the clock of the server, or of this machine, by NTP (timedatectl set-ntp true)"
)

// checkClock compares the clocks. Only Crier tells its time exactly; a Date has whole seconds.
func (p *probe) checkClock(ctx context.Context) Result {
	a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile})
	if err != nil {
		return faulty(err)
	}
	var theirs time.Time
	if d := readDiagnosis(a); d != nil {
		theirs = time.UnixMilli(d.At)
	} else if theirs, err = http.ParseTime(a.header.Get("Date")); err != nil {
		return skipped("the answer has no Date")
	} else {
		theirs = theirs.Add(time.Second / 2)
	}
	off := theirs.Sub(a.began.Add(a.took / 2))
	way := "ahead of"
	if off < 0 {
		off, way = -off, "behind"
	}
	switch off = max(0, off-a.took/2); {
	case off > clockFar:
		return fault(fmt.Sprintf("the server's clock is %s %s this one", short(off), way), adviseNTP)
	case off > clockOff:
		return warning(fmt.Sprintf("the server's clock is %s %s this one", short(off), way), adviseNTP)
	}
	return ok("it agrees with this machine's")
}

// fewFiles is less than a server should have: half of them are for clients, and systems often start with 1,024.
const fewFiles = 4096

var (
	metricVersion = regexp.MustCompile(`(?m)^crier_build_info\{[^}\n]*version="([^"\n]{1,64})"`)
	metricFiles   = regexp.MustCompile(`(?m)^process_max_fds ([0-9.e+]+)$`)
)

// checkMetrics reads the version and the limit of files, if the metrics are open.
func (p *probe) checkMetrics(ctx context.Context) Result {
	if p.kind != "crier" {
		return skipped(crierOnly)
	}
	a, err := p.do(ctx, request{path: "/metrics", most: mostMetrics})
	if err != nil {
		return faulty(err)
	}
	found := metricVersion.FindSubmatch(a.body)
	if a.status != http.StatusOK || found == nil {
		return skipped("/metrics is not open here, so neither the version nor the limit of files is known")
	}
	p.version = printable(string(found[1]))
	seen := "version " + p.version
	if files := metricFiles.FindSubmatch(a.body); files != nil {
		n, err := strconv.ParseFloat(string(files[1]), 64)
		seen += fmt.Sprintf(", %.0f files may be open", n)
		if err == nil && n < fewFiles {
			return warning(seen, "systemd: LimitNOFILE=65536    shell: ulimit -n 65536    docker: --ulimit nofile=65536")
		}
	}
	if p.isPublic() {
		return warning(seen+"; everybody can read /metrics",
			`in Crier: metrics_addr: "127.0.0.1:9100", or let the proxy refuse /metrics`)
	}
	return ok("%s", seen)
}
