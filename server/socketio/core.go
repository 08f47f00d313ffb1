package socketio

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/socketio/wire"
)

// A core is what all parts of a server share.
type core struct {
	opts     Options
	limits   wire.Limits // as opts has them
	rates    atomic.Pointer[rates]
	engine   *engineio.Server
	flusher  *outbound.Flusher // the engine's
	crew     crew
	recovery recovery
	names    registry // of namespaces
	conns    connData
	bundles  clientFiles
	present  sync.WaitGroup // sockets on their way in, connected, or with handlers that still run

	newNamespace hookList[func(*Namespace)]
	upgrade      hookList[func(*Conn)]

	hits     limit.Hits
	events   limit.Counter
	refused  atomic.Uint64
	dropped  atomic.Uint64
	warnings atomic.Uint64
	refusals *limit.Outlet // what is logged of events that are refused
	panics   *limit.Outlet
	faults   *limit.Outlet // of errors that can't be told to a client
	unknown  *limit.Firsts // what is logged of events that nothing took
}

func newCore(o Options) *core {
	k := &core{
		bundles: clientFiles{files: o.Client},
		opts:    o, limits: o.wireLimits(), hits: newHits(), refusals: limit.NewOutlet(), panics: limit.NewOutlet(),
		faults: limit.NewOutlet(), unknown: limit.NewFirsts(),
	}
	k.rates.Store(&rates{o.MaxEventRate, o.MaxByteRate})
	return k
}

// hit counts a limit that a client met.
func (k *core) hit(l Limit) { k.hits.Add(string(l)) }

// logPanic must be called where p was recovered: the stack is the one that led there. Lines are held back when
// there are many, because what makes a handler panic may come again and again.
func (k *core) logPanic(log *slog.Logger, msg string, p any) {
	if held, ok := k.panics.Next(); ok {
		log.Error(msg, "panic", fmt.Sprint(p), "stack", string(debug.Stack()), "not_logged", held)
	}
}

// maxLogged is how much of an event's name goes into the log, in bytes: the client chooses it.
const maxLogged = 64

func shortened(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxLogged)], "") // a character may have been cut
}
