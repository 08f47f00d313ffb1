package handlers

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/crier/crier/server/feed"
)

// The length of a secret, in characters. 16 random ones of base64 are 96 bits.
const (
	minSecret = 16
	maxSecret = 128
)

// earlyKeys is how many ids that were used before the first f keep their owner after it: as many as clients buffer
// while they are away, and hardly more than 4 KiB.
const earlyKeys = 64

// An owner is whose the ids of messages are. What it is may become known with the first f; an id that was used before
// keeps the owner that it had then.
type owner struct {
	secret string            // a digest of the client's secret; "" if it gave none
	name   string            // the first name that it gave
	early  map[string]string // the owners of ids that were used before the first f
}

// claim makes sp the owner of an entry with a key.
func (sp *speaker) claim(e *feed.Entry) {
	whose, known := sp.owner.early[e.Key]
	if !known {
		whose = sp.owner.text(sp.id)
	}
	if !known && !sp.registered && len(sp.owner.early) < earlyKeys {
		if sp.owner.early == nil {
			sp.owner.early = make(map[string]string)
		}
		sp.owner.early[e.Key] = whose
	}
	e.Owner = whose
	if whose[0] == byName {
		e.Key += digestOf(e)
	}
}

// What an owner's text begins with, by what it is known by.
const (
	bySecret = 's'
	byName   = 'n'
	bySocket = 'i'
)

// text is the owner in the feed. Of one that is known by its name, which everybody can give, the data is a part of the
// key.
func (o *owner) text(id string) string {
	switch {
	case o.secret != "":
		return string(bySecret) + " " + o.secret
	case o.name != "":
		return string(byName) + " " + o.name
	}
	return string(bySocket) + " " + id
}

// digestOf returns 128 bits of a digest of what an entry says, as text.
func digestOf(e *feed.Entry) string {
	h := sha256.New()
	h.Write(e.Data)
	for _, a := range e.Attachments {
		sum := sha256.Sum256(a)
		h.Write(sum[:])
	}
	return "\x00" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

var errSecret = errors.New("secret must be a text of 16 to 128 characters")

// secretIn returns the digest of a client's secret; "" for none. The secret itself is kept nowhere.
func secretIn(raw json.RawMessage) (digest string, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var secret string
	if raw[0] != '"' || json.Unmarshal(raw, &secret) != nil {
		return "", errSecret
	}
	if n := utf8.RuneCountInString(secret); n < minSecret || n > maxSecret {
		return "", errSecret
	}
	sum := sha256.Sum256([]byte("crier owner\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}
