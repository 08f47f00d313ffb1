//go:build linux

package websocket

import (
	"net"
	"testing"
)

type transparent struct{ *net.TCPConn }

func (t transparent) Socket() net.Conn { return t.TCPConn }

func TestAWrapperThatAllowsItIsReadAndWrittenDirectly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if newRawSocket(transparent{conn.(*net.TCPConn)}) == nil {
		t.Error("its socket is not used")
	}
}
