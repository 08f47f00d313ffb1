package socketio

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/crier/crier/server/engineio"
)

// Options configure a Server. The zero value of each field means its default.
type Options struct {
	// Engine configures the transports below.
	Engine engineio.Options

	// ConnectTimeout is how long a session may last that has never been in a namespace. Zero value means 45 s.
	ConnectTimeout time.Duration

	// MaxAttachments is how many binary attachments one packet may have. Zero value means 10.
	MaxAttachments int

	// MaxDepth is how deep the JSON of a packet may be nested. Zero value means 256.
	MaxDepth int

	// MaxInbox is how many events of one socket may wait for its handlers; past it, its session is not read until some have run.
	// Zero value means 256. Whatever it says, the waiting events hold no more than Engine.MaxPayload bytes and one
	// event more; and while the server waits for an acknowledgement of the client's, that limit is the only one.
	MaxInbox int

	// MaxNamespaces is how many namespaces one session may be connected to, those included that it has left and whose
	// handlers still run. Zero value means 16.
	MaxNamespaces int

	// Recovery configures what is kept for clients that lose their transport and come back.
	Recovery Recovery

	// Logger takes handlers' errors and panics. Zero value means slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 45 * time.Second
	}
	if o.ConnectTimeout < time.Millisecond {
		return o, fmt.Errorf("socketio: ConnectTimeout is %v: it must be at least 1 ms", o.ConnectTimeout)
	}
	err := setCounts([]count{
		{"MaxAttachments", &o.MaxAttachments, defaultPacketLimits.maxAttachments},
		{"MaxDepth", &o.MaxDepth, defaultPacketLimits.maxDepth},
		{"MaxInbox", &o.MaxInbox, 256},
		{"MaxNamespaces", &o.MaxNamespaces, 16},
	})
	if err == nil {
		err = o.Recovery.setDefaults()
	}
	if err != nil {
		return o, err
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Engine.Logger == nil {
		o.Engine.Logger = o.Logger
	}
	return o, nil
}

// A count is an option whose zero value means its default.
type count struct {
	name  string
	field *int
	value int
}

func setCounts(counts []count) error {
	for _, c := range counts {
		if *c.field == 0 {
			*c.field = c.value
		}
		if *c.field < 0 {
			return fmt.Errorf("socketio: %s is %d: it must be positive", c.name, *c.field)
		}
	}
	return nil
}

func (o *Options) packetLimits() packetLimits {
	l := defaultPacketLimits
	l.maxAttachments, l.maxDepth = o.MaxAttachments, o.MaxDepth
	return l
}
