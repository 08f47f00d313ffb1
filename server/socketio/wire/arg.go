package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Arg is one argument of an event or acknowledgement: what came in, but for what Portable names. It is JSON that nobody
// has decoded yet, and the binary attachments that it refers to. Given to Emit or Ack it goes out again unread, alone
// or inside a Go value. The zero Arg is null.
//
// What common JSON readers of other languages can't read is replaced when the argument is made, so that nobody who
// passes it on ends their connections: see Portable.
//
// An Arg is never changed and may be used by many goroutines.
type Arg struct {
	raw         []byte   // checked and portable JSON without white space around it; nil is null
	attachments [][]byte // of the packet; nil when raw refers to none of them
	flaw        *Error   // what was replaced; nil: nothing
}

// Args are the arguments of one event or acknowledgement, without the event's name.
type Args []Arg

// newArg takes checked JSON whose placeholders are known to be good for the attachments.
func newArg(raw []byte, attachments [][]byte) Arg {
	raw, flaw := portable(raw)
	if !hasHoles(raw, len(attachments)) {
		attachments = nil
	}
	return Arg{raw, attachments, flaw}
}

// NewArg returns JSON as an argument, to be sent on as if a client had sent it.
func NewArg(raw json.RawMessage) (Arg, error) {
	if !utf8.Valid(raw) || !validJSON(raw, DefaultLimits.MaxDepth) {
		return Arg{}, badArgument("not valid JSON, or nested too deep")
	}
	return newArg(trimSpace(raw), nil), nil
}

// RestoreArg returns the argument that raw and attachments, which [Arg.Parts] returned, were taken from.
func RestoreArg(raw json.RawMessage, attachments [][]byte) (Arg, error) {
	if !utf8.Valid(raw) || !validJSON(raw, maxRawDepth) {
		return Arg{}, badArgument("not valid JSON")
	}
	if len(attachments) > 0 {
		if _, err := findHoles(raw, len(attachments)); err != nil {
			return Arg{}, badArgument("has a placeholder that names no attachment")
		}
	}
	return newArg(raw, attachments), nil
}

// Parts returns the argument in two parts to be stored: its JSON, with an object {"_placeholder":true,"num":N}
// where attachment N belongs, and its attachments, without those of the packet's other arguments. The bytes may
// be part of a larger packet, which they keep in memory, and must not be changed.
func (a Arg) Parts() (raw json.RawMessage, attachments [][]byte) {
	if len(a.attachments) == 0 {
		return a.JSON(), nil
	}
	w := new(writer)
	w.arg(a)
	return w.text, w.attachments
}

// HasLiteralPlaceholder reports whether the argument holds an object that is not the place of an attachment but
// looks like one: it has a member _placeholder. Alone it may go out. Beside attachments clients would take it for
// the place of one, so Emit and Ack refuse it then with ErrPlaceholder.
func (a Arg) HasLiteralPlaceholder() bool {
	if bytes.IndexByte(a.raw, '{') < 0 || !mayMark(a.raw, 0) {
		return false
	}
	s := holeScanner{b: a.raw, attachments: len(a.attachments)}
	s.value(0)
	return s.literals > 0
}

// JSON returns what came in, but for what Portable names: valid JSON that other languages can read. Where an attachment
// belongs it has an object {"_placeholder":true,"num":N}. The bytes must not be changed.
func (a Arg) JSON() []byte {
	if a.raw == nil {
		return null
	}
	return a.raw
}

var null = []byte("null") // not made for each argument that is left out

// Binary returns the bytes of an argument that is wholly binary (a Buffer, ArrayBuffer, Blob, ...); ok is
// false for all others. The bytes must not be changed.
func (a Arg) Binary() (b []byte, ok bool) {
	if holes := a.holes(); len(holes) == 1 && holes[0].end-holes[0].start == len(a.raw) {
		return a.attachments[holes[0].num], true
	}
	return nil, false
}

func (a Arg) holes() []hole {
	if len(a.attachments) == 0 {
		return nil
	}
	holes, _ := findHoles(a.raw, len(a.attachments)) // checked when the packet came
	return holes
}

// MarshalJSON returns the argument with its attachments as base64 text, so that it can be stored.
func (a Arg) MarshalJSON() ([]byte, error) {
	return a.inline()
}

// Bind stores the argument in the value that v points to, by the rules of json.Unmarshal. Attachments
// become the bytes of a []byte or Binary wherever they are, and Binary values anywhere inside what an *any,
// a *map[string]any or a *[]any receives; a json.RawMessage, a string, and an any inside of a struct get
// them as base64 text. An *Arg receives the argument itself. Bytes of attachments may be shared with the
// argument and must not be changed.
//
// An argument that does not fit is an *Error with CodeBadArgument. A v that is not a pointer is a fault of
// the program, and an error of another type.
func (a Arg) Bind(v any) error {
	return namedError("the argument", a.bind(v))
}

func (a Arg) bind(v any) error {
	switch {
	case a.bindDirectly(v):
		return nil
	case a.flaw == flawNumber:
		return badArgument("has a number that is out of range")
	case isTree(v):
		return a.bindTree(v)
	}
	text, err := a.inline()
	if err != nil {
		return err
	}
	return bindError(json.Unmarshal(text, v))
}

// bindDirectly serves the most common targets without a look at each byte: this is what a chat's
// handlers do for each message.
func (a Arg) bindDirectly(v any) (done bool) {
	switch v := v.(type) {
	case *Arg:
		if v != nil {
			*v = a
			return true
		}
	case *string:
		if v != nil && len(a.raw) > 0 && a.raw[0] == '"' {
			*v = unquote(a.raw)
			return true
		}
	case *[]byte:
		if b, ok := a.Binary(); ok && v != nil {
			*v = b
			return true
		}
	case *Binary:
		if b, ok := a.Binary(); ok && v != nil {
			*v = b
			return true
		}
	}
	return false
}

// maxInlined is how many times the attachments of an argument may be written out when its placeholders name
// them more than once: a hundred kilobytes of placeholders for one large attachment would
// make gigabytes of base64.
const maxInlined = 4

// CanInline returns an error if MarshalJSON would refuse the argument because it names its attachments too often;
// it writes nothing. It says the same of the argument that RestoreArg makes of its parts.
func (a Arg) CanInline() error {
	_, err := a.inlined(a.holes())
	return namedError("the argument", err)
}

// inlined returns how many bytes of attachments the holes stand for.
func (a Arg) inlined(holes []hole) (sum int, err error) {
	if len(holes) < 2 {
		return sumOf(a.attachments, holes), nil
	}
	named, once := make([]bool, len(a.attachments)), 0
	for _, h := range holes {
		n := len(a.attachments[h.num])
		if !named[h.num] {
			named[h.num] = true
			once += n
		}
		sum += n
	}
	if sum > maxInlined*once {
		return 0, badArgument("names its attachments too often")
	}
	return sum, nil
}

func sumOf(attachments [][]byte, holes []hole) (sum int) {
	for _, h := range holes {
		sum += len(attachments[h.num])
	}
	return sum
}

// inline returns the argument's JSON with base64 strings in place of attachments.
func (a Arg) inline() ([]byte, error) {
	holes := a.holes()
	if len(holes) == 0 {
		return a.JSON(), nil
	}
	inlined, err := a.inlined(holes)
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, len(a.raw)+base64.StdEncoding.EncodedLen(inlined))
	from := 0
	for _, h := range holes {
		text = append(text, a.raw[from:h.start]...)
		text = append(text, '"')
		text = base64.StdEncoding.AppendEncode(text, a.attachments[h.num])
		text = append(text, '"')
		from = h.end
	}
	return append(text, a.raw[from:]...), nil
}

// isTree reports whether json.Unmarshal builds nothing but maps, slices and scalars in v.
func isTree(v any) bool {
	switch v := v.(type) {
	case *any:
		if v == nil || *v == nil {
			return v != nil
		}
		return reflect.ValueOf(*v).Kind() != reflect.Pointer // json.Unmarshal would follow it
	case *map[string]any, *[]any:
		return true
	}
	return false
}

func (a Arg) bindTree(v any) error {
	if err := json.Unmarshal(a.JSON(), v); err != nil {
		return bindError(err)
	}
	if len(a.attachments) == 0 {
		return nil
	}
	switch v := v.(type) {
	case *any:
		*v = filled(*v, a.attachments)
	case *map[string]any:
		if _, ok := a.Binary(); ok {
			clear(*v)
			return badArgument("must be an object, not binary data")
		}
		fillMembers(*v, a.attachments)
	case *[]any:
		filled(*v, a.attachments)
	}
	return nil
}

// filled returns v with attachments in place of the placeholders.
func filled(v any, attachments [][]byte) any {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			v[i] = filled(element, attachments)
		}
	case map[string]any:
		if v["_placeholder"] == true {
			if num, ok := v["num"].(float64); ok && 0 <= num && num < float64(len(attachments)) {
				return Binary(attachments[int(num)])
			}
		}
		fillMembers(v, attachments)
	}
	return v
}

func fillMembers(m map[string]any, attachments [][]byte) {
	for name, member := range m {
		m[name] = filled(member, attachments)
	}
}

// Bind stores the arguments in what the pointers point to, each as Arg.Bind does. A nil skips its argument,
// arguments beyond the pointers are ignored. The first argument that is missing or does not fit is an *Error
// with CodeBadArgument that names its position, counted from 1; those before it have been stored.
func (args Args) Bind(ptrs ...any) error {
	for i, ptr := range ptrs {
		if ptr == nil {
			continue
		}
		if i >= len(args) {
			return badArgument(fmt.Sprintf("argument %d is missing", i+1))
		}
		if err := args[i].bind(ptr); err != nil {
			return namedError(fmt.Sprintf("argument %d", i+1), err)
		}
	}
	return nil
}

// namedError completes what bind says of an argument.
func namedError(name string, err error) error {
	switch bad := (*Error)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return badArgument(name + " " + bad.Message)
	}
	return fmt.Errorf("socketio: bind %s: %w", name, err)
}

// bindError tells the client what is wrong with its argument in words of JSON: it neither knows nor
// should know the server's types.
func bindError(err error) error {
	if fault := (*json.InvalidUnmarshalError)(nil); err == nil || errors.As(err, &fault) {
		return err
	}
	if own := (*Error)(nil); errors.As(err, &own) {
		return own // of the target's own UnmarshalJSON
	}
	mismatch := (*json.UnmarshalTypeError)(nil)
	if !errors.As(err, &mismatch) {
		return badArgument("has a value that can't be read")
	}
	wanted, got := wordsFor(mismatch.Type), jsonWords[mismatch.Value]
	if number, ok := strings.CutPrefix(mismatch.Value, "number "); ok { // of the right type, and still it does not fit
		wanted, got = wanted+rangeOf(mismatch.Type), number
	}
	if mismatch.Field != "" {
		return badArgument(fmt.Sprintf("has a wrong member: %s must be %s, not %s", mismatch.Field, wanted, got))
	}
	return badArgument(fmt.Sprintf("must be %s, not %s", wanted, got))
}

// jsonWords are how values are called that are not of the type that was wanted.
var jsonWords = map[string]string{
	"string": "a string", "bool": "true or false", "number": "a number", "array": "an array", "object": "an object",
}

// wordsFor says in words of JSON and JavaScript what type is wanted.
func wordsFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "binary data"
		}
		return "an array"
	case reflect.Pointer:
		return wordsFor(t.Elem())
	}
	if isSigned(t) || isUnsigned(t) {
		return "a whole number"
	}
	return "of another type"
}

func isSigned(t reflect.Type) bool { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 }

func isUnsigned(t reflect.Type) bool { return t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uintptr }

// rangeOf says which numbers a type of numbers takes.
func rangeOf(t reflect.Type) string {
	switch {
	case isSigned(t):
		least := int64(-1) << (t.Bits() - 1)
		return fmt.Sprintf(" from %d to %d", least, -(least + 1))
	case isUnsigned(t):
		return fmt.Sprintf(" from 0 to %d", uint64(1)<<(t.Bits()-1)*2-1)
	}
	return " in range"
}
