package certificates

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"
)

// A certificate is told of each day once little of its time is left: a third, and not more than 14 days. Authorities
// and their tools renew before.
const (
	warnDays  = 14 * 24 * time.Hour
	warnPart  = 3
	warnAgain = 24 * time.Hour
)

// A Held is a certificate in force.
type Held struct {
	Name              string // one that it is for
	NotBefore, Expiry time.Time
}

func heldOf(c *tls.Certificate) Held {
	return Held{Name: NameOf(c.Leaf), NotBefore: c.Leaf.NotBefore, Expiry: c.Leaf.NotAfter}
}

// NameOf returns a name that the certificate is for.
func NameOf(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	}
	return cmp.Or(leaf.Subject.CommonName, "no name")
}

// expiry tells of certificates that run out. It is its watcher's.
type expiry struct {
	log  *slog.Logger
	told map[string]time.Time // by name: when; of certificates that are running out
}

func (e *expiry) look(all []Held) {
	now := time.Now()
	told := map[string]time.Time{}
	for _, h := range all {
		left := h.Expiry.Sub(now)
		valid := !h.NotBefore.After(now)
		if valid && left > min(warnDays, h.Expiry.Sub(h.NotBefore)/warnPart) {
			continue
		}
		told[h.Name] = e.told[h.Name]
		if now.Sub(told[h.Name]) < warnAgain {
			continue
		}
		told[h.Name] = now
		switch {
		case left <= 0:
			e.log.Error("the certificate has expired, and clients refuse it; renew it", h.fields()...)
		case !valid:
			e.log.Warn("the certificate is not valid yet; is the clock right?", h.fields()...)
		default:
			e.log.Warn("the certificate runs out soon; renew it", h.fields()...)
		}
	}
	e.told = told
}

func (h Held) fields() []any {
	return []any{"name", h.Name, "from", date(h.NotBefore), "until", date(h.Expiry), "days", int(time.Until(h.Expiry).Hours() / 24)}
}
