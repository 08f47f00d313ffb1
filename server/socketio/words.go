package socketio

import (
	"encoding/json"

	"github.com/crier/crier/server/socketio/wire"
)

// Arg is one argument of an event or acknowledgement, raw as it came in: see [wire.Arg].
type Arg = wire.Arg

// Args are the arguments of one event or acknowledgement, without the event's name: see [wire.Args].
type Args = wire.Args

// Binary is a binary value, which goes out as an attachment: see [wire.Binary].
type Binary = wire.Binary

// Error is an error meant for the other side: see [wire.Error].
type Error = wire.Error

// CodeBadArgument is the code of the errors that Bind returns: an argument is missing or has another
// type than the handler wants.
const CodeBadArgument = wire.CodeBadArgument

// ErrPlaceholder is returned by Emit and Ack when one argument has attachments and another holds an object that
// clients would take for the place of one of them: see [wire.Arg.HasLiteralPlaceholder].
var ErrPlaceholder = wire.ErrPlaceholder

// NewArg returns JSON as an argument, to be sent on as if a client had sent it. The error is an *Error.
func NewArg(raw json.RawMessage) (Arg, error) { return wire.NewArg(raw) }

// RestoreArg returns the argument that raw and attachments, which [wire.Arg.Parts] returned, were taken from. The
// error is an *Error.
func RestoreArg(raw json.RawMessage, attachments [][]byte) (Arg, error) {
	return wire.RestoreArg(raw, attachments)
}
