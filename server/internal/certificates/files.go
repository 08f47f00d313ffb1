package certificates

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often files are looked at. A change counts when it is there at two looks in a row, so that a
// certificate is not taken before its key has been written.
const lookEvery = 10 * time.Second

// Files are certificates in files. All methods may be called concurrently.
type Files struct {
	log    *slog.Logger
	inUse  atomic.Pointer[set]
	expiry expiry

	mu     sync.Mutex // one change at a time; guards the following
	seen   []stamp    // at the last look
	judged []stamp    // of the files that were loaded, or refused
}

// Open loads the pairs, of which there must be one. The error is a sentence that an operator can act on.
func Open(pairs []Pair, log *slog.Logger) (*Files, error) {
	s, err := loadSet(pairs, nil, time.Now())
	if err != nil {
		return nil, err
	}
	f := &Files{log: log, expiry: expiry{log: log}, seen: s.stamps, judged: s.stamps}
	f.inUse.Store(s)
	return f, nil
}

// GetCertificate is for tls.Config: the first that fits what the client asks for, or the first of all.
func (f *Files) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certs := f.inUse.Load().certs
	if len(certs) > 1 {
		for _, c := range certs {
			if hello.SupportsCertificate(c) == nil {
				return c, nil
			}
		}
	}
	return certs[0], nil
}

// Prepare loads pairs and returns what puts them in force. Pairs that are in force and have not changed are no error.
func (f *Files) Prepare(pairs []Pair) (apply func(), err error) {
	s, err := loadSet(pairs, f.inUse.Load(), time.Now())
	if err != nil {
		return nil, err
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.use(s)
	}, nil
}

// use puts s in force. f.mu must be held.
func (f *Files) use(s *set) {
	before := f.inUse.Swap(s)
	f.seen, f.judged = s.stamps, s.stamps
	if !s.same(before) {
		f.log.Info("a new certificate is in force", describe(s.certs)...)
	}
}

// Watch looks for changed files and tells of certificates that run out, until ctx is done.
func (f *Files) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		f.expiry.look(f.Held())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look()
		}
	}
}

// look takes files that have changed. Those that can't be used are told of once.
func (f *Files) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	pairs := f.inUse.Load().pairs
	now := stampsOf(pairs)
	steady := equal(now, f.seen)
	f.seen = now
	if !steady || equal(now, f.judged) {
		return
	}
	f.judged = now
	s, err := loadSet(pairs, f.inUse.Load(), time.Now())
	if err != nil {
		f.log.Error("the certificate stays as it is: the files have changed, and can't be used", "mistake", err.Error())
		return
	}
	f.use(s)
}

// Held returns the certificates in force.
func (f *Files) Held() []Held {
	var all []Held
	for _, c := range f.inUse.Load().certs {
		all = append(all, heldOf(c))
	}
	return all
}

func describe(certs []*tls.Certificate) []any {
	var names, until []string
	for _, c := range certs {
		names = append(names, NameOf(c.Leaf))
		until = append(until, date(c.Leaf.NotAfter))
	}
	return []any{"names", names, "until", until}
}
