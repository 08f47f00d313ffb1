package socketio

import (
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
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

	// MaxInbox is how many events of one socket may wait for its handlers; past it, its session is not read until
	// some have run. Zero value means 256. Whatever it says, the waiting events of all sockets of a session hold
	// no more than Engine.MaxPayload bytes and one event more; and while the client owes an acknowledgement, in
	// whatever namespace, that limit is the only one.
	MaxInbox int

	// MaxNamespaces is how many namespaces one session may be connected to, those included that it has left and whose
	// handlers still run. Zero value means 16.
	MaxNamespaces int

	// MaxRooms is how many rooms one socket may be in beside that of its own id; see Socket.Join. Zero value
	// means 1,000.
	MaxRooms int

	// MaxAcks is how many acknowledgements of one socket the server may wait for; see Socket.EmitWithAck. Zero
	// value means 10,000, which take some 2 MB.
	MaxAcks int

	// MaxEventName is the length of the longest name of a client's event, in bytes. Zero value means 256.
	MaxEventName int

	// MaxEventRate is how many events a client may send in a second, lasting, over all its namespaces; twice as
	// many at once. It is warned then (see EventWarning), and disconnected with ReasonRateLimit when it owes
	// another second's worth. Zero value means 10,000, far beyond what people and games do.
	MaxEventRate int

	// MaxByteRate is the same for the bytes of their arguments and attachments. Zero value means 16 MiB, more
	// than most lines carry.
	MaxByteRate int

	// OnUnknownEvent is called with an event that no handler, no OnAny handler and no middleware of its socket
	// takes. Zero value means that its name is logged, once, and that a client which asked for an acknowledgement
	// gets {"error": {"code": "unknown_event", "message"}}. The reference server never answers. Crier does
	// because its events are the product's, not the page's author's: a wrong name is a client's mistake that
	// would look like a lost message. A function that does nothing makes it silent again.
	OnUnknownEvent func(*Event)

	// Recovery configures what is kept for clients that lose their transport and come back.
	Recovery Recovery

	// Client, if set, has the bundles of the JavaScript client, such as os.DirFS("node_modules/socket.io-client/dist"):
	// socket.io.js and its like are served from there, below the path that the server is mounted at. Each is read once.
	Client fs.FS

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
		{"MaxAttachments", &o.MaxAttachments, wire.DefaultLimits.MaxAttachments},
		{"MaxDepth", &o.MaxDepth, wire.DefaultLimits.MaxDepth},
		{"MaxInbox", &o.MaxInbox, 256},
		{"MaxNamespaces", &o.MaxNamespaces, 16},
		{"MaxRooms", &o.MaxRooms, 1000},
		{"MaxAcks", &o.MaxAcks, 10_000},
		{"MaxEventName", &o.MaxEventName, wire.DefaultLimits.MaxEvent},
		{"MaxEventRate", &o.MaxEventRate, 10_000},
		{"MaxByteRate", &o.MaxByteRate, 16 << 20},
	})
	if err == nil {
		err = o.Recovery.setDefaults()
	}
	if err != nil {
		return o, err
	}
	if o.Engine.MessageTimeout == 0 {
		o.Engine.MessageTimeout = time.Minute // also for the attachments of one packet
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

func (o *Options) wireLimits() wire.Limits {
	l := wire.DefaultLimits
	l.MaxAttachments, l.MaxDepth, l.MaxEvent = o.MaxAttachments, o.MaxDepth, o.MaxEventName
	return l
}
