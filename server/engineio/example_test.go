package engineio_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/crier/crier/server/engineio"
)

// A parrot is the Handler of one session: it sends back what it hears.
type parrot struct {
	session *engineio.Session
}

func (p *parrot) Message(binary bool, data []byte) error {
	return p.session.Send(engineio.Message{Binary: binary, Data: data})
}

func (p *parrot) Close(reason engineio.Reason) { fmt.Println("closed:", reason) }

func Example() {
	sv, err := engineio.New(engineio.Options{}, func(s *engineio.Session) engineio.Handler {
		return &parrot{s}
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", sv)
	site := httptest.NewServer(mux)
	defer site.Close()
	defer sv.Close(context.Background())

	// What a client does: a handshake, a message, a poll for the answer, and good-bye.
	address := site.URL + "/engine.io/?EIO=4&transport=polling"
	opened := ask(http.Get(address))
	_, rest, _ := strings.Cut(opened, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	address += "&sid=" + sid
	fmt.Println(ask(http.Post(address, "text/plain", strings.NewReader("4hello"))))
	fmt.Println(ask(http.Get(address)))
	fmt.Println(ask(http.Post(address, "text/plain", strings.NewReader("1"))))

	// Output:
	// ok
	// 4hello
	// closed: transport close
	// ok
}

// ask returns the body of an answer.
func ask(res *http.Response, err error) string {
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(body)
}
