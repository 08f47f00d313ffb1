package engineio

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/origin"
)

// Transport names, as they stand in requests.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Options configure a Server. The zero value of each field means its default.
type Options struct {
	// PingInterval is the time between two heartbeats of a session. Zero value means 25 s.
	PingInterval time.Duration

	// PingTimeout is how long a heartbeat may stay unanswered before the session ends. Zero value means 20 s.
	PingTimeout time.Duration

	// UpgradeTimeout is how long a client may take from opening a WebSocket to leaving long-polling for it; past it the
	// WebSocket is closed and the session goes on. Zero value means 10 s.
	UpgradeTimeout time.Duration

	// WriteTimeout is how long a connection may take no byte at all while some wait for it, and how long a request's
	// body may stand still. Zero value means 20 s.
	WriteTimeout time.Duration

	// MaxPayload is the size in bytes of the largest message, or body of a POST, that a client may send.
	// Zero value means 1,000,000, as in the reference server.
	MaxPayload int

	// MaxQueue is how many bytes may wait for one session. Past it the session ends with ReasonSlowConsumer.
	// A single larger message is taken when nothing else waits. Zero value means 4 MiB.
	MaxQueue int

	// MaxPackets is how many packets one body of a POST may hold: each may be worth an answer. Zero value means
	// 65,536, which is also the most.
	MaxPackets int

	// MaxFragments is how many frames a message may come in over WebSocket, empty ones included. Zero value means
	// 1,024.
	MaxFragments int

	// MaxPacketRate is how many packets a client may send in a second, lasting; twice as many at once. What a
	// WebSocket sends beside packets, pings and pongs, counts too. Past it the session ends with ReasonRateLimit.
	// Zero value means 20,000; negative means no limit.
	MaxPacketRate int

	// MessageTimeout is how long a message over WebSocket, or the body of a POST, may take from its first byte to its
	// last. Zero value means 1 min, in which a line of 140 kbit/s brings the largest message of the default.
	MessageTimeout time.Duration

	// MaxSessions is how many sessions may be open; more are answered with status 503. Zero value means 100,000, which
	// idle take at most 8 KiB each.
	MaxSessions int

	// MaxAddressSessions is how many sessions one IP address may have open; of IPv6 a /64 counts as one address, its
	// /56 may have twice as many and its /48 four times. More are answered with status 429. Zero value means 1,000: a
	// school or an office is often one address.
	MaxAddressSessions int

	// MaxAddressRate is how many sessions one IP address may open in a second, sustained; MaxAddressSessions at once,
	// if that is more, so that all behind it can come back after a restart. Zero value means 100.
	MaxAddressRate int

	// Addresses, if set, decides in the place of these two. It may be shared with other servers.
	Addresses Addresses

	// Account, if set, returns what counts for the IP address of a new session; nil if nobody does.
	Account func(address string) Account

	// Address returns the IP address, without port, of the client that a request comes from. Zero value means the
	// peer of the connection; behind a proxy that is the proxy, and only the operator knows which proxies can be
	// believed.
	Address func(*http.Request) string

	// Line, if set, returns the connection that a poll came over, if it belongs to that request alone. Clients with one
	// connection (elephant.io 5) send their POST on it while their poll waits, and net/http reads no request before the
	// one before it is answered: a poll whose line brings more is answered at once. Without it, or where it returns
	// nil, such a POST waits for the next message or heartbeat.
	Line func(*http.Request) Line

	// Refused, if set, is told of each handshake that was refused for MaxSessions or for its address.
	Refused func(*http.Request, Limit)

	// Transports are the ways in that are open. Zero value means Polling and WebSocket.
	Transports []string

	// DisableUpgrades keeps long-polling sessions on long-polling.
	DisableUpgrades bool

	// DisableEIO3 refuses clients of Socket.IO 1.x and 2.x (Engine.IO revision 3).
	DisableEIO3 bool

	// AllowedOrigins are the origins, such as "https://example.org", whose pages may connect from another host;
	// "https://*.example.org" are all its subdomains. "*" means any: do that only when nothing depends on cookies,
	// since their pages may send them. "null" permits files of the disk, and any other page that hides its origin (in a
	// sandboxed frame): treat it like "*". Zero value means none: a page talks to the host it came from.
	AllowedOrigins []string

	// Hosts, if set, returns under which names, as in a Host header, else a client may have asked for the server: what
	// a proxy says that changes this header, and only the operator knows which proxies can be believed. Pages of these
	// hosts need no permission either.
	Hosts func(*http.Request) []string

	// CompressWebSocket turns on permessage-deflate for messages over 1 KiB, with clients that offer it.
	CompressWebSocket bool

	// CompressHTTP turns on gzip for answers to polls over 1 KiB, with clients that take it.
	CompressHTTP bool

	// EscapeText, if set, returns text in ASCII that means the same to the client. It is used for clients on EIO 3:
	// some of those before 2.0 take text beyond ASCII for something else, depending on the transport. It is called
	// concurrently.
	EscapeText func(text []byte) []byte

	// Recode returns messages in another coding, for sessions whose Recode method was called: any number of messages
	// for any number. It is called concurrently, once for all of the sessions that a Prepared goes to and that have one
	// kind of transport, and must not keep or change what it is given. Zero value means that there is no such session.
	Recode func([]Message) []Message

	// Allow, if set, is asked before a session is opened; an error refuses it with status 403 and the error's text.
	Allow func(*http.Request) error

	// RefusedOrigin, if set, is told of each request that was refused for its origin.
	RefusedOrigin func(*http.Request, *origin.Refusal)

	// ConnectionError, if set, is told of each request that is refused, WebSocket handshakes included. Strangers can
	// bring that about as often as they like: what is written of it must be bounded. It is called in the request's
	// goroutine, and concurrently.
	ConnectionError func(*ConnectionError)

	// InitialHeaders, if set, may add header fields to the answer that opens a session, such as a cookie for a proxy
	// that binds clients to servers. It is called in the request's goroutine, and concurrently. Fields that the
	// protocols need are not its to set. A session that begins with a WebSocket has them in the answer that accepts it;
	// it may be called for a WebSocket that is then refused, whose answer does not have them.
	InitialHeaders func(http.Header, *http.Request)

	// Headers, if set, may add header fields to each answer to a request that belongs to a session or opens one, that
	// which accepts a WebSocket included; behind InitialHeaders.
	Headers func(http.Header, *http.Request)

	// Logger takes what an operator may want to know of single sessions, at level debug. Zero value means
	// slog.Default().
	Logger *slog.Logger
}

// withDefaults returns o with defaults in place, or an error that names the field that can't be.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name  string
		field *time.Duration
		value time.Duration
	}{
		{"PingInterval", &o.PingInterval, 25 * time.Second},
		{"PingTimeout", &o.PingTimeout, 20 * time.Second},
		{"UpgradeTimeout", &o.UpgradeTimeout, 10 * time.Second},
		{"WriteTimeout", &o.WriteTimeout, 20 * time.Second},
		{"MessageTimeout", &o.MessageTimeout, time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
		if *d.field < time.Millisecond {
			return o, fmt.Errorf("engineio: %s is %v: it must be at least 1 ms", d.name, *d.field)
		}
	}
	for _, d := range []struct {
		name  string
		field *int
		value int
	}{
		{"MaxPayload", &o.MaxPayload, 1_000_000},
		{"MaxQueue", &o.MaxQueue, 4 << 20},
		{"MaxPackets", &o.MaxPackets, maxPayloadPackets},
		{"MaxFragments", &o.MaxFragments, 1024},
		{"MaxSessions", &o.MaxSessions, 100_000},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
		if *d.field < 0 || *d.field > 1<<30 {
			return o, fmt.Errorf("engineio: %s is %d: it must be from 1 to 2^30", d.name, *d.field)
		}
	}
	if o.MaxPacketRate == 0 {
		o.MaxPacketRate = 20_000
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := o.checkAddresses(); err != nil {
		return o, err
	}
	return o, o.checkLists()
}

func (o *Options) checkAddresses() (err error) {
	if o.Address == nil {
		o.Address = func(r *http.Request) string { return limit.PeerOf(r.RemoteAddr) }
	}
	if o.Addresses != nil {
		return nil
	}
	if o.MaxAddressSessions < 0 || o.MaxAddressRate < 0 {
		return fmt.Errorf("engineio: MaxAddressSessions is %d and MaxAddressRate is %d: they must be positive",
			o.MaxAddressSessions, o.MaxAddressRate)
	}
	o.Addresses, err = limit.NewAddresses(limit.AddressLimits{MaxOpen: o.MaxAddressSessions, MaxRate: o.MaxAddressRate})
	return err
}

func (o *Options) checkLists() error {
	if len(o.Transports) == 0 {
		o.Transports = []string{Polling, WebSocket}
	}
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket {
			return fmt.Errorf("engineio: unknown transport %q: it is %q or %q", t, Polling, WebSocket)
		}
	}
	return nil
}

func (o *Options) has(transport string) bool { return slices.Contains(o.Transports, transport) }

// offer returns what the OPEN packets of all sessions that begin with the transport say behind the session's id.
func (o *Options) offer(transport string) []byte {
	upgrades := []string{} // a list must stand there, even an empty one
	if transport == Polling && !o.DisableUpgrades && o.has(WebSocket) {
		upgrades = append(upgrades, WebSocket)
	}
	data, err := json.Marshal(struct {
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{upgrades, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload})
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return append([]byte(`",`), data[len("{"):]...)
}
