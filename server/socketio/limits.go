package socketio

import (
	"errors"

	"github.com/crier/crier/server/internal/limit"
)

// A Limit is a bound that clients can meet. Those that have a field in Options are named after it.
type Limit string

// Limits, beside those of engineio.
const (
	LimitConnectTime Limit = "ConnectTimeout"
	LimitAttachments Limit = "MaxAttachments"
	LimitDepth       Limit = "MaxDepth"
	LimitPayload     Limit = "MaxPayload"     // of the attachments of one packet together, or of its JSON
	LimitMessageTime Limit = "MessageTimeout" // for all attachments of one packet to come
	LimitInbox       Limit = "MaxInbox"
	LimitNamespaces  Limit = "MaxNamespaces"
	LimitRooms       Limit = "MaxRooms"
	LimitAcks        Limit = "MaxAcks"
	LimitEventName   Limit = "MaxEventName"
	LimitEventRate   Limit = "MaxEventRate"
	LimitByteRate    Limit = "MaxByteRate"
	LimitArguments   Limit = "arguments"      // 16,384 of one packet
	LimitNamespace   Limit = "namespace name" // 8 KiB
	LimitAuth        Limit = "auth"           // 64 KiB
)

func newHits() limit.Hits {
	var names []string
	for _, l := range []Limit{
		LimitConnectTime, LimitAttachments, LimitDepth, LimitPayload, LimitMessageTime, LimitInbox, LimitNamespaces,
		LimitRooms, LimitAcks, LimitEventName, LimitEventRate, LimitByteRate, LimitArguments, LimitNamespace, LimitAuth,
	} {
		names = append(names, string(l))
	}
	return limit.NewHits(names...)
}

// What a server answers where a limit is met by its own doing.
var (
	// ErrTooManyRooms is returned by Join. It is one that a handler may return to its client as it is.
	ErrTooManyRooms error = &Error{Code: "too_many_rooms", Message: "too many rooms"}
	// ErrTooManyAcks is returned by EmitWithAck.
	ErrTooManyAcks = errors.New("socketio: the client has too many events to acknowledge")
)

// CodeUnknownEvent is the code of the answer to an event that nothing takes: see Options.OnUnknownEvent.
const CodeUnknownEvent = "unknown_event"

// EventWarning is the event with which a client is told of a limit: {code, message}. After one with the code
// "rate" it may slow down and go on; any other is the last that it hears.
const EventWarning = "warning"
