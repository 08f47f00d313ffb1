package engineio

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An answer is what a poll is answered with.
type answer struct {
	form     form     // in which messages stand
	messages [][]byte // pieces of the queue
	control  packetType
	refused  bool // the poll should not have been made
}

// empty says whether there is no answer yet. packetOpen, which is 0, is never sent as a control packet.
func (a *answer) empty() bool { return len(a.messages) == 0 && a.control == 0 && !a.refused }

func (a *answer) size() int { return sizeOf(a.messages) }

func sizeOf(pieces [][]byte) (n int) {
	for _, piece := range pieces {
		n += len(piece)
	}
	return n
}

const (
	// mostInAnswer is how many bytes are taken from the queue for one answer, escapes for a script included. The
	// memory for an answer is a client's as long as it likes to read, and it can ask for the rest.
	mostInAnswer = 256 << 10

	// compressAnswerFrom is the size from which an answer is worth compressing, as in the reference server.
	compressAnswerFrom = 1024

	// answerPiece is how much of an answer the client must take within the write timeout.
	answerPiece = 64 << 10
)

var answerBufs = sync.Pool{New: func() any { return new(answerBuf) }}

// An answerBuf is the memory in which answers to polls are made.
type answerBuf struct {
	payload, script []byte
	packed          bytes.Buffer
}

// Values of answers' headers. net/http only reads them, and Header.Set would make a slice for each.
var (
	typeText   = []string{"text/plain; charset=UTF-8"}
	typeBinary = []string{"application/octet-stream"}
	typeScript = []string{"text/javascript; charset=UTF-8"}
	typeHTML   = []string{"text/html"}
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
)

// write writes an answer. The error says that the client did not take it.
func (p *polling) write(w http.ResponseWriter, r *http.Request, q *query, a answer) error {
	s := p.session
	if a.control != 0 {
		a.messages = [][]byte{s.core.control(a.control, a.form).Bytes()}
	}
	buf := answerBufs.Get().(*answerBuf)
	body, binary := a.form.payload(buf, a.messages, q)
	h := w.Header()
	switch {
	case q.jsonp:
		h["Content-Type"] = typeScript
		h["X-Content-Type-Options"] = noSniff // a script and nothing else, whatever a browser sees in it
	case binary:
		h["Content-Type"] = typeBinary
	default:
		h["Content-Type"] = typeText
	}
	h["Cache-Control"] = noStore
	guardOldBrowsers(h, r)
	if s.core.opts.CompressHTTP && len(body) >= compressAnswerFrom {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			body = buf.pack(body)
			h.Set("Content-Encoding", "gzip")
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	err := p.writeBody(w, body)
	buf.release()
	return err
}

// payload makes a payload of pieces of the queue, for the request of q. If the client polls as it said when it opened
// the session, that is to put them side by side.
func (f form) payload(buf *answerBuf, pieces [][]byte, q *query) (body []byte, binary bool) {
	if q.jsonp != (f&formScript != 0) {
		return f.otherPayload(buf, pieces, q)
	}
	if f&(formOld|formBase64) == formOld {
		pieces, binary = f.uniform(pieces)
	}
	if len(pieces) == 1 && !q.jsonp {
		return f.trim(pieces[0]), binary
	}
	b := buf.payload[:0]
	if q.jsonp {
		b = appendCall(b, q.j)
	}
	for i, piece := range pieces {
		if i == 0 {
			piece = f.trim(piece)
		}
		b = append(b, piece...)
	}
	if q.jsonp {
		b = append(b, endOfCall...)
	}
	buf.payload = b
	return b, binary
}

// trim takes away the separator before the first packet of a payload.
func (f form) trim(piece []byte) []byte {
	switch {
	case f&formOld != 0:
		return piece
	case f&formScript != 0:
		return piece[len(escapedSeparator):]
	}
	return piece[1:]
}

// uniform returns pieces of EIO 3 all of whose packets are text, or all binary: as they are, unless both kinds are
// there.
func (f form) uniform(pieces [][]byte) (_ [][]byte, binary bool) {
	text := false
	for _, rest := range pieces {
		for len(rest) > 0 {
			binary = binary || rest[0] <= 1
			text = text || rest[0] > 1
			rest = rest[f.packetEnd(rest):]
		}
	}
	if !binary || !text {
		return pieces, binary
	}
	return [][]byte{appendPayload3Binary(nil, f.packets(pieces))}, true
}

// otherPayload is payload for a client that does not poll as it said.
func (f form) otherPayload(buf *answerBuf, pieces [][]byte, q *query) (body []byte, binary bool) {
	version := 4
	if f&formOld != 0 {
		version = 3
	}
	b, binary := appendPayload(buf.payload[:0], version, q.jsonp || f&formBase64 != 0, f.packets(pieces))
	buf.payload = b
	if !q.jsonp {
		return b, binary
	}
	buf.script = appendJSONP(buf.script[:0], q.j, b)
	return buf.script, false
}

// writeBody sends body, and waits until the connection has taken it.
func (p *polling) writeBody(w http.ResponseWriter, body []byte) error {
	conn := http.NewResponseController(w)
	defer p.writeNoMore()
	for len(body) > 0 {
		piece := body[:min(len(body), answerPiece)]
		p.writeUntil(w, time.Now().Add(p.session.core.opts.WriteTimeout))
		if _, err := w.Write(piece); err != nil {
			return lostAnswer(err)
		}
		if body = body[len(piece):]; len(body) > 0 && p.session.isClosed() {
			return errLost // its session has ended: the rest of a long answer would be for nobody
		}
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return lostAnswer(err)
	}
	return nil
}

func lostAnswer(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlowPoll
	}
	return errLost
}

func (b *answerBuf) release() {
	if cap(b.payload)+cap(b.script)+b.packed.Cap() <= maxPooled {
		answerBufs.Put(b)
	}
}

func (b *answerBuf) pack(body []byte) []byte {
	b.packed.Reset()
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&b.packed)
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	return b.packed.Bytes()
}

var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant of the package
	}
	return z
}}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for _, line := range r.Header["Accept-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				q, ok := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
				return !ok || strings.Trim(q, "0.") != ""
			}
		}
	}
	return false
}

// guardOldBrowsers keeps Internet Explorer's filter from taking a payload for an attack, as the reference server does.
func guardOldBrowsers(h http.Header, r *http.Request) {
	if ua := r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		h.Set("X-XSS-Protection", "0")
	}
}
