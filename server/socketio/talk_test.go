package socketio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/crier/crier/server/socketio"
)

// talk is the client of the examples: it connects to the main namespace, sends each packet, prints the next that
// comes with its attachments, and leaves. Behind a newline a packet has its attachment; an empty one only
// listens.
func talk(server *socketio.Server, packets ...string) {
	web := httptest.NewServer(server)
	defer web.Close()
	conn, early, _, err := ws.Dial(context.Background(), strings.Replace(web.URL, "http", "ws",
		1)+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close(context.Background())
	defer conn.Close()
	from := reader(conn, early)
	listen(from) // OPEN
	say(conn, "0")
	listen(from) // CONNECT
	for _, p := range packets {
		say(conn, p)
		text := listen(from)[1:]
		fmt.Println(hidden(text))
		for range announced(text) {
			fmt.Printf("%q\n", listen(from))
		}
	}
}

// reader returns what reads a connection on which something may have come with the handshake already.
func reader(conn io.ReadWriter, early *bufio.Reader) io.ReadWriter {
	if early == nil {
		return conn
	}
	return struct {
		io.Reader
		io.Writer
	}{early, conn}
}

func say(conn io.Writer, p string) {
	if p == "" {
		return
	}
	text, attachment, attached := strings.Cut(p, "\n")
	err := wsutil.WriteClientText(conn, []byte("4"+text))
	if attached && err == nil {
		err = wsutil.WriteClientBinary(conn, []byte(attachment))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func listen(conn io.ReadWriter) string {
	data, _, err := wsutil.ReadServerData(conn)
	if err != nil {
		log.Fatal(err)
	}
	return string(data)
}
