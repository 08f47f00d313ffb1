package engineio

import (
	"bytes"
	"compress/gzip"
	"errors"
	"iter"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// compressAnswerFrom is the size from which a poll's answer is worth compressing, as in the reference server.
const compressAnswerFrom = 1024

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
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
)

// answer writes packets as the answer to a poll. The error says that the client did not take it.
func (s *Session) answer(w http.ResponseWriter, r *http.Request, q *query, packets iter.Seq[wirePacket]) error {
	buf := answerBufs.Get().(*answerBuf)
	body, binary := s.appendAnswer(buf.payload[:0], q.jsonp || s.base64, packets)
	buf.payload = body
	h := w.Header()
	switch {
	case q.jsonp:
		body = appendJSONP(buf.script[:0], q.j, body)
		buf.script = body
		h["Content-Type"] = typeScript
		h["X-Content-Type-Options"] = noSniff // a script and nothing else, whatever a browser sees in it
	case binary:
		h["Content-Type"] = typeBinary
	default:
		h["Content-Type"] = typeText
	}
	h["Cache-Control"] = noStore
	guardOldBrowsers(h, r)
	if s.server.opts.CompressHTTP && len(body) >= compressAnswerFrom {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			body = buf.pack(body)
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	err := s.write(w, body)
	buf.release()
	return err
}

// answerPiece is how much of an answer the client must take within the write timeout.
const answerPiece = 64 << 10

// write sends body, and waits until the connection has taken it.
func (s *Session) write(w http.ResponseWriter, body []byte) error {
	conn := http.NewResponseController(w)
	for len(body) > 0 {
		piece := body[:min(len(body), answerPiece)]
		// Not every ResponseWriter has deadlines, or can flush; the HTTP server's own timeouts hold for those.
		_ = conn.SetWriteDeadline(time.Now().Add(s.server.opts.WriteTimeout))
		if _, err := w.Write(piece); err != nil {
			return lostAnswer(err)
		}
		if body = body[len(piece):]; len(body) > 0 && s.isClosed() {
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

func (s *Session) appendAnswer(dst []byte, text bool, packets iter.Seq[wirePacket]) ([]byte, bool) {
	if s.ancient && !text {
		return appendPayload3Binary(dst, packets), true // it reads nothing else
	}
	return appendPayload(dst, s.version, text, packets)
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
