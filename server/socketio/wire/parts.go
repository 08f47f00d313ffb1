package wire

import (
	"bytes"
	"crypto/rand"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// A Binary, or an Arg with attachments, may stand anywhere inside a Go value, and encoding/json can't be told what
// to do with it there. So it is given a copy of the value that has tokens in their places: short random
// byte strings, fresh for each packet, which nobody can have written into the value beforehand. In the
// JSON that comes out, each token is replaced by what it stands for. Large binaries thus never become
// base64, and json.Marshal elsewhere knows nothing of all this.

const (
	nonceSize = 18                // 144 random bits
	tokenSize = nonceSize + 6     // and the number of the part
	tokenText = 2 + tokenSize/3*4 // both are whole groups of base64, which has no padding then
	maxNested = 1000              // where encoding/json starts to look for cycles; what lies deeper is left to it
)

// parts are the Binary and Arg values taken from one Go value.
type parts struct {
	nonce [nonceSize]byte
	taken []any
}

var (
	binaryType        = reflect.TypeFor[Binary]()
	argType           = reflect.TypeFor[Arg]()
	jsonMarshalerType = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

// takeParts returns a copy of v in which tokens stand for its parts, or nil and v itself when v has
// none.
func takeParts(v any) (*parts, any) {
	value := reflect.ValueOf(v)
	if !mayHold(value.Type()) || !holds(value, 0) {
		return nil, v
	}
	p := new(parts)
	_, _ = rand.Read(p.nonce[:]) // never fails
	clone := reflect.New(value.Type()).Elem()
	clone.Set(value)
	p.take(clone, 0)
	return p, clone.Interface()
}

// typesThatHold remembers mayHold by type.
var typesThatHold sync.Map // reflect.Type to bool

// mayHold reports whether a value of type t can have parts. Most types can't, which saves the walk over
// their values.
func mayHold(t reflect.Type) bool {
	if known, ok := typesThatHold.Load(t); ok {
		return known.(bool)
	}
	may := searchType(t, map[reflect.Type]bool{})
	typesThatHold.Store(t, may)
	return may
}

func searchType(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case t == binaryType || t == argType:
		return true
	case seen[t] || writesItself(t):
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return searchType(t.Elem(), seen)
	case reflect.Struct:
		for _, i := range openFields(t) {
			if searchType(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// writesItself reports whether a type's own method makes its JSON.
func writesItself(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false // what is in it decides
	}
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshalerType) || p.Implements(textMarshalerType)
}

// openFields returns the fields of a struct type in which encoding/json looks and reflection may write.
func openFields(t reflect.Type) (fields []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
			fields = append(fields, i)
		}
	}
	return fields
}

// omitted reports whether encoding/json leaves out a field that has this value for being empty.
func omitted(f reflect.StructField, v reflect.Value) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if v.Kind() != reflect.Slice || v.Len() > 0 {
		return false
	}
	return strings.Contains(options, "omitempty") || v.IsNil() && strings.Contains(options, "omitzero")
}

// holds reports whether there is a part in v.
func holds(v reflect.Value, depth int) bool {
	t := v.Type()
	switch {
	case t == binaryType:
		return true
	case t == argType:
		return v.CanInterface() && len(v.Interface().(Arg).attachments) > 0
	case depth > maxNested || !mayHold(t):
		return false
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return !v.IsNil() && holds(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if holds(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if holds(entries.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for _, i := range openFields(t) {
			if holds(v.Field(i), depth+1) {
				return true
			}
		}
	}
	return false
}

// take replaces the parts in v, which can be set. Whatever v shares with the caller's value is copied before
// it is changed.
func (p *parts) take(v reflect.Value, depth int) {
	t := v.Type()
	switch {
	case t == binaryType:
		v.SetBytes(p.token(Binary(v.Bytes())))
		return
	case t == argType:
		if a := v.Interface().(Arg); len(a.attachments) > 0 {
			v.Set(reflect.ValueOf(Arg{raw: quoted(p.token(a))}))
		}
		return
	case depth > maxNested || !mayHold(t):
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		p.takeFromElem(v, depth)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		clone := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(clone, v)
		v.Set(clone)
		p.takeFromList(v, depth)
	case reflect.Array:
		p.takeFromList(v, depth)
	case reflect.Map:
		p.takeFromMap(v, depth)
	case reflect.Struct:
		for _, i := range openFields(t) {
			if f := v.Field(i); !omitted(t.Field(i), f) {
				p.take(f, depth+1)
			}
		}
	}
}

func (p *parts) takeFromElem(v reflect.Value, depth int) {
	if v.IsNil() {
		return
	}
	clone := reflect.New(v.Elem().Type())
	clone.Elem().Set(v.Elem())
	p.take(clone.Elem(), depth+1)
	if v.Kind() == reflect.Interface {
		clone = clone.Elem()
	}
	v.Set(clone)
}

func (p *parts) takeFromList(v reflect.Value, depth int) {
	for i := range v.Len() {
		p.take(v.Index(i), depth+1)
	}
}

func (p *parts) takeFromMap(v reflect.Value, depth int) {
	if v.IsNil() {
		return
	}
	clone := reflect.MakeMapWithSize(v.Type(), v.Len())
	for entries := v.MapRange(); entries.Next(); {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(entries.Value())
		p.take(value, depth+1)
		clone.SetMapIndex(entries.Key(), value)
	}
	v.Set(clone)
}

// token keeps part and returns the bytes that stand for it.
func (p *parts) token(part any) []byte {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(len(p.taken)))
	p.taken = append(p.taken, part)
	return append(p.nonce[:nonceSize:nonceSize], number[2:]...)
}

// quoted returns a token as encoding/json writes it.
func quoted(token []byte) []byte {
	text := append(make([]byte, 0, tokenText), '"')
	text = base64.StdEncoding.AppendEncode(text, token)
	return append(text, '"')
}

// putBack writes text, the JSON of the copy, with the parts in place of their tokens.
func (p *parts) putBack(w *writer, text []byte) {
	prefix := quoted(p.nonce[:])
	prefix = prefix[:len(prefix)-1]
	for {
		i := bytes.Index(text, prefix)
		if i < 0 {
			w.text = append(w.text, text...)
			return
		}
		w.text = append(w.text, text[:i]...)
		switch part := p.part(text[i+1 : i+tokenText-1]).(type) {
		case Binary:
			w.binary(part)
		case Arg:
			w.arg(part)
		}
		text = text[i+tokenText:]
	}
}

// part returns what a token in base64 stands for.
func (p *parts) part(text []byte) any {
	var token [tokenSize]byte
	_, _ = base64.StdEncoding.Decode(token[:], text) // quoted, or encoding/json, wrote it
	return p.taken[binary.BigEndian.Uint64(token[tokenSize-8:])&(1<<48-1)]
}
