package socketio

// Error is an error meant for the other side. A handler that returns one to a client that asked for an
// acknowledgement answers it with {"error":{"code":...,"message":...,"data":...}}; a middleware that
// returns one to a connecting client answers with a CONNECT_ERROR of its message and data.
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

// parseError is what the decoder returns for packets that break the protocol.
type parseError string

func (e parseError) Error() string { return "socketio: parse error: " + string(e) }

const (
	errPacketType      parseError = "unknown packet type"
	errAttachments     parseError = "invalid number of attachments"
	errManyAttachments parseError = "too many attachments"
	errNamespace       parseError = "namespace too long"
	errID              parseError = "acknowledgement id out of range"
	errInvalidUTF8     parseError = "packet is not valid UTF-8"
	errPayload         parseError = "invalid payload"
	errManyArgs        parseError = "too many arguments"
	errDepth           parseError = "arguments are nested too deep"
	errLongEvent       parseError = "event name too long"
	errEventName       parseError = "invalid or reserved event name"
	errPlaceholder     parseError = "placeholder without its attachment"
)
