package websocket

import (
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Every message is compressed on its own (RFC 7692 section 7.1.1: no context takeover on either side). That compresses
// small messages less well than a shared window would, and is what makes the rest possible: a broadcast is compressed
// once for all, and a connection that waits keeps neither a compressor (1.2 MB in Go) nor an inflater (41 kB).
//
// compress/flate is used directly: wsflate.Reader makes a new inflater for every message, because flate's Reset has
// another signature than the one it looks for, and wsflate.Writer would only add the cutting of four bytes.

// deflateTail ends what flate.Writer.Flush writes; it is cut off from each message and put back before inflating
// (RFC 7692 sections 7.2.1 and 7.2.2).
const deflateTail = "\x00\x00\xff\xff"

// deflateEnd follows the tail so that flate sees the end of the stream: a final, stored, empty block.
const deflateEnd = "\x01\x00\x00\xff\xff"

// maxKept is the capacity up to which buffers go back into their pool; a single large message does not stay in memory.
const maxKept = 64 << 10

// A deflater compresses one message at a time into out.
type deflater struct {
	w   *flate.Writer
	out []byte
}

// BestSpeed because Reset clears large tables at the higher levels: a message of 30 bytes takes 7 µs, and 37 at level
// 6.
var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.w, _ = flate.NewWriter(d, flate.BestSpeed) // fails for unknown levels only
	return d
}}

// Write takes the compressor's output.
func (d *deflater) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

// deflate returns the message as it goes on the wire, valid until free.
func (d *deflater) deflate(message []byte) []byte {
	d.out = d.out[:0]
	d.w.Reset(d)
	d.w.Write(message) // its errors are those of d.Write, which has none
	d.w.Flush()
	return d.out[:len(d.out)-len(deflateTail)]
}

func (d *deflater) free() {
	if cap(d.out) > maxKept {
		d.out = nil
	}
	deflaters.Put(d)
}

// AppendCompressed appends to dst a frame whose payload (text or binary) is compressed, for connections that are
// Compressed. A payload that deflate does not make smaller is appended as AppendFrame does it, which such a connection
// reads as well. Small payloads are not worth the processor time; the caller sets the threshold.
func AppendCompressed(dst []byte, op OpCode, payload []byte) []byte {
	d := deflaters.Get().(*deflater)
	defer d.free()
	body := d.deflate(payload)
	if len(body) >= len(payload) {
		return AppendFrame(dst, op, payload)
	}
	first := len(dst)
	dst = AppendFrameHeader(dst, op, len(body))
	dst[first] |= bitRsv1
	return append(dst, body...)
}

// An inflater inflates one message at a time into out.
type inflater struct {
	r   io.ReadCloser // also a flate.Resetter
	src tailed
	out []byte

	parser *parser // whose message it is, nil for nobody's
	packed int     // bytes of memory that the message took before
}

var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.r = flate.NewReader(&i.src)
	return i
}}

// Errors of inflate, besides those of compress/flate.
var (
	errInflatedTooBig = errors.New("websocket: the inflated message is too big")
	errAfterFinal     = errors.New("websocket: bytes after the final block")
)

// inflate returns the message that data is the compressed form of, valid until free. It stops one byte after limit,
// however much more data would bring forth.
func (i *inflater) inflate(data []byte, limit int) ([]byte, error) {
	i.src = tailed{data: data}
	if err := i.r.(flate.Resetter).Reset(&i.src, nil); err != nil {
		return nil, err
	}
	i.out = i.out[:0]
	for {
		if len(i.out) == cap(i.out) {
			i.grow(limit + 1)
		}
		n, err := i.r.Read(i.out[len(i.out):min(cap(i.out), limit+1)])
		i.out = i.out[:len(i.out)+n]
		switch {
		case len(i.out) > limit:
			return nil, errInflatedTooBig
		case err == io.EOF:
			return i.out, i.src.end()
		case err != nil:
			return nil, err
		}
	}
}

func (i *inflater) grow(most int) {
	size := min(max(2*cap(i.out), 1024), most)
	i.out = append(make([]byte, 0, size), i.out...)
	if i.parser != nil {
		i.parser.hold(i.packed + size)
	}
}

func (i *inflater) free() {
	i.src, i.parser = tailed{}, nil
	if cap(i.out) > maxKept {
		i.out = nil
	}
	inflaters.Put(i)
}

// tailed reads a compressed message and what was cut off behind it. With its ReadByte, flate reads no byte too many.
type tailed struct {
	data []byte
	tail string // what is left of it once data is used up
	past bool   // it is
}

// Read implements io.Reader.
func (t *tailed) Read(p []byte) (n int, err error) {
	if len(t.data) > 0 {
		n = copy(p, t.data)
		t.data = t.data[n:]
		return n, nil
	}
	t.pass()
	if t.tail == "" {
		return 0, io.EOF
	}
	n = copy(p, t.tail)
	t.tail = t.tail[n:]
	return n, nil
}

// ReadByte implements io.ByteReader.
func (t *tailed) ReadByte() (byte, error) {
	if len(t.data) > 0 {
		c := t.data[0]
		t.data = t.data[1:]
		return c, nil
	}
	t.pass()
	if t.tail == "" {
		return 0, io.EOF
	}
	c := t.tail[0]
	t.tail = t.tail[1:]
	return c, nil
}

func (t *tailed) pass() {
	if !t.past {
		t.past, t.tail = true, deflateTail+deflateEnd
	}
}

// end says whether the stream ended where the message does. A sender may set the final bit on its last block; it then
// sends an empty block's first byte behind it (RFC 7692 section 7.2.3.4). Anything else there would be lost silently.
func (t *tailed) end() error {
	if len(t.data) == 0 || len(t.data) == 1 && t.data[0] == 0 {
		return nil
	}
	return errAfterFinal
}
