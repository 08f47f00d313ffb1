package wire

// Error is an error meant for the other side, in words for the programmer of the client. A handler that returns
// one to a client that asked for an acknowledgement answers it with
// {"error":{"code":...,"message":...,"data":...}}; a middleware that returns one to a connecting client answers
// with a CONNECT_ERROR of its message and data.
type Error struct {
	Code    string `json:"code"`           // for programs, such as "bad_argument"
	Message string `json:"message"`        // for people
	Data    any    `json:"data,omitempty"` // whatever else helps
}

// CodeBadArgument is the code of the errors that Bind returns: an argument is missing or has another
// type than the handler wants.
const CodeBadArgument = "bad_argument"

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func badArgument(message string) *Error {
	return &Error{Code: CodeBadArgument, Message: message}
}

// ErrPlaceholder is returned when a packet with attachments is to be encoded, one of whose arguments holds an
// object that clients would take for the place of an attachment: one with a member "_placeholder" (see
// Arg.HasPlaceholder).
var ErrPlaceholder error = &Error{
	Code: "placeholder", Message: `an object with a member "_placeholder" can't be sent together with binary data`,
}

// A ParseError is what the decoder returns for packets that break the protocol or a limit.
type ParseError struct {
	Code    string
	Message string
}

// Error returns the message, in words for the programmer of the client.
func (e *ParseError) Error() string { return e.Message }

// Errors of limits.
var (
	ErrManyAttachments = &ParseError{"too_many_attachments", "the packet has more attachments than this server takes"}
	ErrNamespace       = &ParseError{"namespace_too_long", "the name of the namespace is longer than this server takes"}
	ErrManyArgs        = &ParseError{"too_many_arguments", "the event has more arguments than this server takes"}
	ErrDepth           = &ParseError{"too_deep", "arrays and objects are nested deeper than this server takes"}
	ErrLongEvent       = &ParseError{"event_name_too_long", "the name of the event is longer than this server takes"}
	ErrText            = &ParseError{"too_large", "the packet is larger than this server takes, written as JSON"}
)

// Errors of form.
var (
	errType        = &ParseError{"parse_error", "the packet has an unknown type"}
	errAttachments = &ParseError{"parse_error", "the packet has an invalid number of attachments"}
	errID          = &ParseError{"parse_error", "the id of the acknowledgement is out of range"}
	errInvalidUTF8 = &ParseError{"parse_error", "the packet is not valid UTF-8"}
	errPayload     = &ParseError{"parse_error", "the packet has an invalid payload"}
	errEventName   = &ParseError{"parse_error", "the name of the event is invalid or reserved"}
	errHole        = &ParseError{"parse_error", "a placeholder names no attachment"}
	errNamespace   = &ParseError{"parse_error", "the packet has an invalid namespace"}
	errMsgpack     = &ParseError{"parse_error", "the packet is not valid MessagePack, or lacks a member"}
	errTwice       = &ParseError{"parse_error", "the packet has a member twice"}
	errKey         = &ParseError{"parse_error", "a map has a key that is neither a string nor an integer"}
	errMark        = &ParseError{"parse_error", `a map has a key "_placeholder" beside binary data`}
)
