// Package config reads what the user may set: defaults, then a YAML file, then CRIER_* variables, then flags, each
// layer over the one before.
//
// Every setting is declared once, in [settings]; the file's keys, the variables, the flags, the help and what
// `crier config` prints all come from that table. What is wrong, in any layer, is reported in one go: a value that is
// overridden further up is still checked, because it waits there for the day the override goes.
package config

import (
	"log/slog"
	"time"
)

// Config is what a running Crier goes by. The table in settings.go says what each field does and allows; the zero
// Config is of no use, [Load] makes a complete one.
type Config struct {
	Addr      string
	LogLevel  slog.Level
	LogFormat string

	EchoAddr  string // of endpoints that have an address of their own; empty: they do not
	HelloAddr string
	ChatAddr  string
	NewsAddr  string

	Data           string        // folder; empty: what is said is kept in memory
	FeedMaxAge     time.Duration // what was said is kept until it is older,
	FeedMaxEntries int           // or more than so many messages
	FeedMaxBytes   int64         // or bytes are held
	Metrics        bool
	MetricsAddr    string // empty: they are on Addr

	TLSCert       []string // files; without any, and without ACMEHosts, all is plain
	TLSKey        []string // files, one for each of TLSCert
	ACMEHosts     []string // in lower case, and in ASCII
	ACMEEmail     string
	ACMEDirectory string        // URL
	ACMECA        string        // file; empty: the system's authorities
	RedirectAddr  string        // empty: nothing is redirected
	RedirectPort  int           // 0: that of Addr
	HSTS          time.Duration // 0: browsers are not told

	Path           string
	AllowedOrigins []string
	AllowedHosts   []string
	TrustedProxies []string // networks in CIDR notation
	Transports     []string
	AllowUpgrades  bool
	AllowEIO3      bool

	PingInterval   time.Duration
	PingTimeout    time.Duration
	UpgradeTimeout time.Duration
	ConnectTimeout time.Duration
	WriteTimeout   time.Duration
	MessageTimeout time.Duration

	Limits string // "usual" or "trusted"

	MaxHeldBytes          int64 // bytes, for all clients together
	MaxConnections        int   // 0: as many as the system has descriptors for
	MaxAddressConnections int   // of one address; 0: a part of those
	MaxSessions           int
	MaxAddressSessions    int // of one address, plain WebSockets among them
	MaxAddressRate        int // new ones in a second

	MaxMessageRate      int // messages of a speaker in a second,
	MaxMessageBurst     int // and at once
	MaxMessageByteRate  int // bytes of these in a second,
	MaxMessageByteBurst int // and at once
	MaxReadRate         int // bytes that a client is told of what was said, in a second
	MaxEventRate        int // events of a session in a second,
	MaxByteRate         int // and bytes of these,
	MaxPacketRate       int // and packets, heartbeats included

	MaxPayload     int // bytes
	MaxPackets     int // of one POST
	MaxFragments   int // of one message
	MaxQueue       int // bytes
	MaxAttachments int
	MaxDepth       int
	MaxInbox       int // events
	MaxNamespaces  int
	MaxRooms       int // of a socket
	MaxAcks        int // of a socket
	MaxEventName   int // bytes
	MaxName        int // characters

	Recovery            bool
	RecoveryTime        time.Duration
	MaxRecoveryPackets  int // events
	MaxRecoveryBytes    int // bytes
	MaxRecoverySessions int // sessions

	MaxPlain     int // clients of the plain WebSocket endpoints
	MaxPlainRate int // messages of one of them in a second

	WebSocketCompression bool
	HTTPCompression      bool

	ReadHeaderTimeout time.Duration
	IdleTimeout       time.Duration
	MaxHeaderBytes    int // bytes
	MaxHeaders        int
	DrainTimeout      time.Duration

	// origins tells, by a setting's name, who gave it its value; a name that is missing has its default.
	origins map[string]string
}

// Default returns the settings that hold when nobody sets anything.
func Default() *Config {
	c := &Config{origins: map[string]string{}}
	for _, s := range settings {
		if err := s.set(c, s.fallback); err != nil {
			panic("config: the default of " + s.name + ": " + err.Error())
		}
	}
	return c
}

// Load reads the settings from the file that `--config` or CRIER_CONFIG names (none: no file), from environ (as
// [os.Environ] gives it) and from args (the command line without the program's and the command's name).
//
// The error is [flag.ErrHelp] when args ask for help; else it is a [Mistakes] with everything that is wrong.
func Load(args, environ []string) (*Config, error) {
	r := &reader{config: Default()}
	flags, err := r.parseFlags(args)
	if err != nil {
		return nil, err
	}
	variables := r.parseEnviron(environ)

	r.readFile(flags.file, variables.file)
	r.apply(variables.given)
	r.apply(flags.given)
	if len(r.mistakes) == 0 {
		r.mistakes = r.config.conflicts()
	}

	if len(r.mistakes) > 0 {
		return nil, r.mistakes
	}
	r.config.lift()
	return r.config, nil
}

// Trusted is the value of Limits that lifts the rates and shares of each client and address; the sums of the process
// stay.
const Trusted = "trusted"

// lift gives the settings that bound one client or address the value that they have in a trusted network, unless
// somebody has set them.
func (c *Config) lift() {
	if c.Limits != Trusted {
		return
	}
	for _, s := range settings {
		if s.lifted == "" || c.Given(s.name) {
			continue
		}
		if err := s.set(c, s.lifted); err != nil {
			panic("config: the lifted value of " + s.name + ": " + err.Error())
		}
		c.origins[s.name] = "limits"
	}
}

// Given reports whether somebody has set the setting of this name, such as "max_queue", in any layer.
func (c *Config) Given(name string) bool {
	where, ok := c.origins[name]
	return ok && where != "limits"
}

// given is one value as the user wrote it.
type given struct {
	setting *setting
	where   string // the name it goes by there: "CRIER_ADDR", "--addr", "addr (crier.yaml, line 3)"
	text    string
}

// reader gathers the layers into one Config, and what is wrong with them.
type reader struct {
	config   *Config
	mistakes Mistakes
}

func (r *reader) apply(layer []given) {
	for _, g := range layer {
		if err := g.setting.set(r.config, g.text); err != nil {
			r.mistakes.add("%s: %v; it must be %s", g.where, err, g.setting.allowed)
			continue
		}
		r.config.origins[g.setting.name] = g.where
	}
}
