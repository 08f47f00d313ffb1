package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

func TestTheAnswerProvesThatTheKeyWasRead(t *testing.T) {
	pairs := map[string]string{
		testKey:                    "hsBlbuDTkk24srzEOTBUlZAlC2g=",
		"dGhlIHNhbXBsZSBub25jZQ==": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", // RFC 6455 section 1.3
	}
	for key, want := range pairs {
		if got := string(appendAccept(nil, key)); got != want {
			t.Errorf("key %s: %s, want %s", key, got, want)
		}
	}
}

// exchange sends request to a server that upgrades with o, and returns the answer and, if there is one, the connection.
func exchange(t *testing.T, o UpgradeOptions, request string) (*http.Response, *Conn, error) {
	t.Helper()
	type upgraded struct {
		conn *Conn
		err  error
	}
	done := make(chan upgraded, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, o)
		done <- upgraded{conn, err}
	}))
	t.Cleanup(server.Close)
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(client, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	u := <-done
	if u.conn != nil {
		t.Cleanup(func() { u.conn.Close() })
	}
	return response, u.conn, u.err
}

func TestARequestThatIsNoHandshakeIsRefusedInPlainWords(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(handshakeRequest(), old, new, 1) }
	tests := []struct {
		name    string
		request string
		status  int
		header  string // that the answer must have
	}{
		{"POST", replace("GET", "POST"), 405, "Allow: GET"},
		{"HTTP/1.0", replace("HTTP/1.1", "HTTP/1.0"), 505, ""},
		{"no Upgrade", replace("Upgrade: websocket\r\n", ""), 426, "Upgrade: websocket"},
		{"Upgrade to h2c", replace("Upgrade: websocket", "Upgrade: h2c"), 426, "Upgrade: websocket"},
		{"no Connection", replace("Connection: Upgrade\r\n", ""), 426, "Connection: Upgrade"},
		{"Connection without Upgrade", replace("Connection: Upgrade", "Connection: keep-alive"), 426, "Connection: Upgrade"},
		{"no version", replace("Sec-WebSocket-Version: 13\r\n", ""), 426, "Sec-Websocket-Version: 13"},
		{"version 8", replace("Version: 13", "Version: 8"), 426, "Sec-Websocket-Version: 13"},
		{"version 13, 8", replace("Version: 13", "Version: 13, 8"), 426, "Sec-Websocket-Version: 13"},
		{"two versions", handshakeRequest("Sec-WebSocket-Version: 8"), 426, "Sec-Websocket-Version: 13"},
		{"no key", replace("Sec-WebSocket-Key: "+testKey+"\r\n", ""), 400, ""},
		{"empty key", replace(testKey, ""), 400, ""},
		{"two keys", handshakeRequest("Sec-WebSocket-Key: " + testKey), 400, ""},
		{"key of 15 bytes", replace(testKey, "AAAAAAAAAAAAAAAAAAAA"), 400, ""},
		{"key of 17 bytes", replace(testKey, "AAAAAAAAAAAAAAAAAAAAAAA="), 400, ""},
		{"key of 18 bytes", replace(testKey, "AAAAAAAAAAAAAAAAAAAAAAAA"), 400, ""},
		{"key that is not base64", replace(testKey, "!!!!!!!!!!!!!!!!!!!!!!=="), 400, ""},
		{"body", handshakeRequest("Content-Length: 3") + "abc", 400, ""},
		{"chunked body", handshakeRequest("Transfer-Encoding: chunked") + "1\r\nx\r\n0\r\n\r\n", 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, conn, err := exchange(t, UpgradeOptions{}, tt.request)
			refusal, ok := errors.AsType[*HandshakeError](err)
			if conn != nil || !ok || refusal.Status != tt.status || response.StatusCode != tt.status {
				t.Errorf("answered %s, returned %v, want %d", response.Status, err, tt.status)
			}
			if name, value, _ := strings.Cut(tt.header, ": "); response.Header.Get(name) != value {
				t.Errorf("header %s is %q", name, response.Header.Get(name))
			}
			body, _ := io.ReadAll(response.Body)
			if !strings.Contains(string(body), refusal.Message) || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("body %q", body)
			}
		})
	}
}

func TestHandshakesAreTakenInEveryLegalForm(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(handshakeRequest(), old, new, 1) }
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("X-Filler-%d: %d", i, i))
	}
	spaces := strings.Repeat(" ", 32<<10)
	requests := map[string]string{
		"as browsers do":             handshakeRequest(),
		"other case":                 replace("Upgrade: websocket", "upgrade: WebSocket"),
		"as Firefox does":            replace("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
		"two Connection lines":       replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
		"several protocols":          replace("Upgrade: websocket", "Upgrade: h2c, websocket"),
		"2,000 headers":              handshakeRequest(many...),
		"spaces in subprotocols":     handshakeRequest("Sec-WebSocket-Protocol: b" + spaces + "x"),
		"spaces in extensions":       handshakeRequest("Sec-WebSocket-Extensions: b" + spaces + "x"),
		"malformed extensions":       handshakeRequest(`Sec-WebSocket-Extensions: ;;,="",permessage-deflate;=`),
		"extension named like a key": handshakeRequest("Sec-WebSocket-Extensions: constructor, __proto__"),
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			response, conn, err := exchange(t, UpgradeOptions{Subprotocols: []string{"v1"}, Compression: true}, request)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%s, %v", response.Status, err)
			}
			if conn.Subprotocol() != "" || conn.Compressed() {
				t.Errorf("agreed on %q, compression %v", conn.Subprotocol(), conn.Compressed())
			}
		})
	}
}

func TestHostileHeadersTakeLinearTime(t *testing.T) {
	// A quadratic scan of these would take very long.
	const size = 1 << 20
	for _, unit := range []string{" ", ",", ";", "\t,", `"`, "a,", "permessage-deflate,", "permessage-deflate;a", "client_max_window_bits;", "="} {
		for _, lead := range []string{"", "b", "permessage-deflate;"} {
			hostile := []string{lead + strings.Repeat(unit, size/len(unit)) + "x"}
			start := time.Now()
			hasToken(hostile, "websocket")
			(&UpgradeOptions{Subprotocols: []string{"v1", "v2"}}).subprotocol(hostile)
			acceptDeflate(hostile)
			if took := time.Since(start); took > patience {
				t.Errorf("%q repeated behind %q took %v", unit, lead, took)
			}
		}
	}
}

func TestTheClientsFirstChoiceOfSubprotocolWins(t *testing.T) {
	tests := []struct{ asked, spoken, want string }{
		{"", "v1", ""},
		{"v1", "", ""},
		{"v1", "v1", "v1"},
		{"v2, v1", "v1,v2", "v2"},
		{"v3,\tv1 ,v2", "v1,v2", "v1"},
		{"V1", "v1", ""},
		{",, ,v1", "v1", "v1"},
		{"v1x", "v1", ""},
	}
	for _, tt := range tests {
		var extra []string
		if tt.asked != "" {
			extra = append(extra, "Sec-WebSocket-Protocol: "+tt.asked)
		}
		response, conn, err := exchange(t, UpgradeOptions{Subprotocols: strings.Split(tt.spoken, ",")}, handshakeRequest(extra...))
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Sec-Websocket-Protocol"); got != tt.want || conn.Subprotocol() != tt.want {
			t.Errorf("asked %q, spoken %q: answered %q, want %q", tt.asked, tt.spoken, got, tt.want)
		}
	}
}

func TestAServerWithoutSubprotocolsOfItsOwnTakesTheClientsFirst(t *testing.T) {
	tests := []struct{ asked, want string }{
		{"", ""},
		{"chat", "chat"},
		{"v2, v1", "v2"},
		{", ,a/b, a b,\tx-1.0~ ,v2", "x-1.0~"}, // what is no token is no name
		{"(v1)", ""},
	}
	for _, tt := range tests {
		var extra []string
		if tt.asked != "" {
			extra = append(extra, "Sec-WebSocket-Protocol: "+tt.asked)
		}
		response, conn, err := exchange(t, UpgradeOptions{AnySubprotocol: true}, handshakeRequest(extra...))
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Sec-Websocket-Protocol"); got != tt.want || conn.Subprotocol() != tt.want {
			t.Errorf("asked %q: answered %q, want %q", tt.asked, got, tt.want)
		}
	}
}

// Some proxies (linkerd, vertx) pass on every request with a body in chunks, empty where there was none.
func TestAnEmptyBodyInChunksIsNoBody(t *testing.T) {
	request := handshakeRequest("Transfer-Encoding: chunked") + "0\r\n\r\n" + string(text("hello"))
	response, conn, err := exchange(t, UpgradeOptions{}, request)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response.Status, err)
	}
	r, done := &recorder{fail: errors.New("enough")}, make(chan error, 1)
	go func() { done <- conn.Read(r) }() // ends with the first message
	result(t, done)
	r.expect(t, `text "hello"`)
}

func TestCompressionIsAgreedOnOnlyAsOffered(t *testing.T) {
	const plain = deflateAnswer
	const bits15 = deflateAnswer + "; server_max_window_bits=15"
	tests := []struct{ offer, want string }{
		{"permessage-deflate", plain},
		{"permessage-deflate; client_max_window_bits", plain}, // Chromium, Firefox, Safari
		{"permessage-deflate;client_max_window_bits=10", plain},
		{`permessage-deflate; client_max_window_bits="10"`, plain},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", plain},
		{"permessage-deflate; server_max_window_bits=15", bits15},
		{`permessage-deflate ; server_max_window_bits = "15" ; client_max_window_bits`, bits15},
		{"permessage-deflate; server_max_window_bits=10", ""},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", plain},
		{"x-webkit-deflate-frame, permessage-deflate", plain},
		{"permessage-deflate; server_max_window_bits", ""},
		{"permessage-deflate; server_max_window_bits=16", ""},
		{"permessage-deflate; client_max_window_bits=7", ""},
		{"permessage-deflate; client_max_window_bits=08", ""},
		{"permessage-deflate; client_max_window_bits=", ""},
		{"permessage-deflate; client_max_window_bits; client_max_window_bits", ""},
		{"permessage-deflate; server_no_context_takeover=1", ""},
		{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", ""},
		{"permessage-deflate; unknown", ""},
		{"permessage-deflated", ""},
		{"deflate-frame", ""},
	}
	for _, tt := range tests {
		response, conn, err := exchange(t, UpgradeOptions{Compression: true}, handshakeRequest("Sec-WebSocket-Extensions: "+tt.offer))
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Sec-Websocket-Extensions"); got != tt.want || conn.Compressed() != (tt.want != "") {
			t.Errorf("offer %q: answered %q, want %q", tt.offer, got, tt.want)
		}
	}
	response, conn, err := exchange(t, UpgradeOptions{}, handshakeRequest("Sec-WebSocket-Extensions: permessage-deflate"))
	if err != nil || conn.Compressed() || response.Header.Get("Sec-Websocket-Extensions") != "" {
		t.Errorf("compression that is off was agreed on: %v, %v", response.Header, err)
	}
}

func TestTheAnswersHeadersCannotBeForged(t *testing.T) {
	header := http.Header{
		"Set-Cookie":             {"io=abc", "b=\r\nX-Forged: 1"},
		"Sec-Websocket-Accept":   {"wrong"},
		"Sec-Websocket-Protocol": {"wrong"},
		"Bad Name\r\nX-Forged":   {"1"},
	}
	response, _, err := exchange(t, UpgradeOptions{Header: header}, handshakeRequest())
	if err != nil {
		t.Fatal(err)
	}
	got := response.Header
	if got.Get("X-Forged") != "" || !slices.Contains(got["Set-Cookie"], "io=abc") || len(got["Sec-Websocket-Accept"]) != 1 || got["Sec-Websocket-Protocol"] != nil {
		t.Errorf("answered with %v", got)
	}
}

// A fakeConn remembers what was done to it.
type fakeConn struct {
	net.Conn
	write    func([]byte) (int, error)
	deadline time.Time
}

func (f *fakeConn) Write(p []byte) (int, error)        { return f.write(p) }
func (f *fakeConn) SetDeadline(d time.Time) error      { f.deadline = d; return nil }
func (f *fakeConn) SetWriteDeadline(d time.Time) error { return f.SetDeadline(d) }

// A fakeHijacker is a response writer that gives its connection away.
type fakeHijacker struct {
	http.ResponseWriter
	conn   *fakeConn
	reader *bufio.Reader
}

func (f *fakeHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return f.conn, bufio.NewReadWriter(f.reader, bufio.NewWriter(f.conn)), nil
}

func TestTheAnswerIsOneWriteAndLeavesNoDeadline(t *testing.T) {
	early := bytes.Repeat(text("early"), 10)
	writes := 0
	nc := &fakeConn{deadline: time.Now(), write: func(p []byte) (int, error) { writes++; return len(p), nil }}
	f := &fakeHijacker{conn: nc, reader: bufio.NewReader(bytes.NewReader(early))}
	f.reader.Peek(len(early))
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshakeRequest("Sec-WebSocket-Extensions: permessage-deflate"))))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := Upgrade(f, r, UpgradeOptions{Compression: true, Header: http.Header{"X-A": {"1"}, "X-B": {"2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if writes != 1 || !nc.deadline.IsZero() {
		t.Errorf("%d writes, deadline %v", writes, nc.deadline)
	}
	f.reader.Reset(bytes.NewReader(bytes.Repeat([]byte{0}, 4096)))
	f.reader.Peek(1)
	if !bytes.Equal(conn.early, early) {
		t.Error("what came early still lies in net/http's buffer")
	}
}

func TestUpgradeWorksThroughGin(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	conns := make(chan *Conn, 1)
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/socket", func(c *gin.Context) {
		conn, err := Upgrade(c.Writer, c.Request, UpgradeOptions{})
		if err == nil {
			conns <- conn
		}
	})
	server := httptest.NewServer(router)
	defer server.Close()
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, handshakeRequest()+string(text("hello")))
	w := &wire{conn: <-conns, client: client}
	var r recorder
	done := w.read(&r)
	waitFor(t, "the message", func() bool { return len(r.seen()) == 1 })
	w.conn.Close()
	result(t, done)

	response, err := http.Get(server.URL + "/socket")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if response.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a page request was answered %s", response.Status)
	}
}

func TestAServerThatCannotHijackSaysSo(t *testing.T) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshakeRequest())))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := Upgrade(w, r, UpgradeOptions{}); !errors.Is(err, http.ErrNotSupported) || w.Code != http.StatusInternalServerError {
		t.Errorf("%d, %v", w.Code, err)
	}
}
