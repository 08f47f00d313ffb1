package certificates

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"
)

// A certificate in a file is told of each day once little of its time is left: a third, and not more than 14 days.
// Authorities and their tools renew before.
const (
	day       = 24 * time.Hour
	warnDays  = 14 * day
	warnPart  = 3
	warnAgain = day
)

// Certificates by ACME are renewed when a third of their time is left, and not more than 30 days (autocert.Manager's
// RenewBefore). It tries each half hour to hour, and tells nobody what fails; after a day there is something to tell.
const (
	renewDays = 30 * day
	renewPart = 3
	lateBy    = day
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
	acme bool                 // Crier renews them itself
	told map[string]time.Time // by name: when; of certificates that are running out
}

func (e *expiry) look(all []Held) {
	now := time.Now()
	told := map[string]time.Time{}
	for _, h := range all {
		left := h.Expiry.Sub(now)
		valid := !h.NotBefore.After(now)
		if valid && left > e.warnFrom(h) {
			continue
		}
		told[h.Name] = e.told[h.Name]
		if now.Sub(told[h.Name]) < warnAgain {
			continue
		}
		told[h.Name] = now
		switch {
		case left <= 0 && e.acme:
			e.log.Error("the certificate has expired, and clients refuse it; it could not be renewed",
				append(h.fields(), hint...)...)
		case left <= 0:
			e.log.Error("the certificate has expired, and clients refuse it; renew it", h.fields()...)
		case !valid:
			e.log.Warn("the certificate is not valid yet; is the clock right?", h.fields()...)
		case e.acme:
			e.log.Error("the certificate could not be renewed for a day or more; it is tried again each hour",
				append(h.fields(), hint...)...)
		default:
			e.log.Warn("the certificate runs out soon; renew it", h.fields()...)
		}
	}
	e.told = told
}

// hint is for certificates that an authority did not give.
var hint = []any{"hint", "the name must lead here: port 443 to addr, or port 80 to redirect_addr"}

// warnFrom returns how much of a certificate's time is left when it is told of.
func (e *expiry) warnFrom(h Held) time.Duration {
	life := h.Expiry.Sub(h.NotBefore)
	if !e.acme {
		return min(warnDays, life/warnPart)
	}
	renewed := min(renewDays, life/renewPart)
	return renewed - min(lateBy, renewed/2)
}

func (h Held) fields() []any {
	days := int(time.Until(h.Expiry).Hours() / 24)
	return []any{"name", h.Name, "from", date(h.NotBefore), "until", date(h.Expiry), "days", days}
}
