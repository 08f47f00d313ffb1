package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// fewDays is when a certificate should have been renewed: those of Let's Encrypt are renewed 30 days before their end.
const fewDays = 14

// secure looks at the certificate, or at plain HTTP.
func (p *probe) secure(ctx context.Context) Result {
	if p.url.Scheme == "http" {
		return p.plain(ctx)
	}
	conn, err := p.dial(ctx, false)
	if err != nil {
		return faulty(p.plainError(ctx, err, "no connection within"))
	}
	defer conn.Close()
	config := p.tlsConfig()
	config.InsecureSkipVerify = true // judged below, in words
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		var record tls.RecordHeaderError
		if errors.As(err, &record) && strings.HasPrefix(string(record.RecordHeader[:]), "HTTP") {
			return fault("plain HTTP is spoken here, not TLS",
				"use http://, or let the proxy end TLS on this port (nginx: listen 443 ssl;)")
		}
		return fault("the TLS handshake fails: "+p.plainError(ctx, err, "it is not done within").Error(),
			"is this the port for https, and does the proxy have a certificate for "+printable(p.url.Hostname())+"?")
	}
	r := p.judge(secured.ConnectionState(), time.Now())
	if r.Status == Fault && p.opts.insecure {
		r.Status = Warning
		r.Seen += "; --insecure goes on"
	}
	return r
}

func (p *probe) judge(state tls.ConnectionState, now time.Time) Result {
	leaf := state.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	name := p.url.Hostname()
	how := x509.VerifyOptions{DNSName: name, Intermediates: between, Roots: p.roots, CurrentTime: now}
	_, err := leaf.Verify(how)
	if err != nil {
		return judgeError(err, leaf, name, len(state.PeerCertificates) == 1)
	}
	days := int(leaf.NotAfter.Sub(now).Hours() / 24)
	seen := fmt.Sprintf("%s, the certificate is for %s, for %s",
		tls.VersionName(state.Version), printable(name), count(days, "day"))
	if days < fewDays {
		return warning(seen, "renew it; does what renews it work, and does the proxy load the new one?")
	}
	return ok("%s", seen)
}

func judgeError(err error, leaf *x509.Certificate, name string, alone bool) Result {
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &host):
		return fault(fmt.Sprintf("the certificate is for %s, not for %s", namesOf(leaf), printable(name)),
			"get a certificate with this name; is the right one chosen for it (nginx: server_name, ssl_certificate)?")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(leaf.NotBefore):
		return fault("the certificate is not valid before "+leaf.NotBefore.UTC().Format(time.RFC3339),
			"is this machine's clock right?")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault("the certificate ended on "+leaf.NotAfter.UTC().Format(time.RFC3339),
			"renew it, and let the proxy load the new one")
	case errors.As(err, &unknown) && leaf.Issuer.String() == leaf.Subject.String():
		return fault("the certificate is signed by itself: browsers refuse it",
			"get one of a known authority, or --insecure to go on")
	case errors.As(err, &unknown) && alone:
		return fault("the certificate comes alone, and is not signed by an authority known here",
			"send those between too (nginx: ssl_certificate fullchain.pem), or --insecure to go on")
	case errors.As(err, &unknown):
		return fault("the certificate is not signed by an authority known here",
			"get one of a known authority, or --insecure to go on")
	}
	return fault("the certificate is wrong: "+printable(err.Error()), "--insecure goes on")
}

// mostNames is how many of a certificate's names are printed.
const mostNames = 4

func namesOf(c *x509.Certificate) string {
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no name"
	case len(names) > mostNames:
		names = append(names[:mostNames:mostNames], "others")
	}
	return printable(strings.Join(names, ", "))
}

// plain looks at a URL with http: is it TLS after all?
func (p *probe) plain(ctx context.Context) Result {
	a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile})
	if err != nil || a.status == 400 && strings.Contains(string(a.body), "HTTPS") {
		if p.speaksTLS(ctx) {
			return fault("TLS is spoken here, not plain HTTP", "use https://")
		}
	}
	if err == nil && a.location() != "" {
		return skipped("plain HTTP, which sends on")
	}
	if p.isPublic() {
		return warning("plain HTTP on a public address: others can read and change it, and pages from https cannot connect",

			"use https://: let a proxy in front end TLS, or Crier itself (tls_cert, acme_hosts)")
	}
	return skipped("plain HTTP")
}

func (p *probe) speaksTLS(ctx context.Context) bool {
	conn, err := p.dial(ctx, false)
	if err != nil {
		return false
	}
	defer conn.Close()
	config := p.tlsConfig()
	config.InsecureSkipVerify = true // whatever it shows
	return tls.Client(conn, config).HandshakeContext(ctx) == nil
}
