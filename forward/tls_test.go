package forward_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"homing/forward"
)

// secure is a machine that speaks TLS, and what a client needs to believe it.
func secure(t *testing.T, h http.HandlerFunc) (srv *httptest.Server, addr string, client *tls.Config, conns *atomic.Int64) {
	conns = new(atomic.Int64)
	srv = httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true // on offer, and not to be chosen
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	client = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	return srv, srv.Listener.Addr().String(), client, conns
}

func TestAConnectionWithTLSServesWhatMayRunOnce(t *testing.T) {
	leavesNothing(t)
	_, addr, client, conns := secure(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Proto)) })
	p := newPool(t, forward.Config{Dial: forward.DialTLS(client)})
	for range 3 {
		req := request("POST")
		req.Once = true
		if _, body := get(t, p, addr, req); body != "HTTP/1.1" {
			t.Errorf("asked over %s", body)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 3 requests", n)
	}
}

func TestAConnectionWithTLSThatTheMachineClosedIsNotUsed(t *testing.T) {
	leavesNothing(t)
	srv, addr, client, conns := secure(t, ok)
	p := newPool(t, forward.Config{Dial: forward.DialTLS(client)})
	get(t, p, addr, request("GET"))
	srv.CloseClientConnections()
	req := request("POST")
	req.Once = true
	get(t, p, addr, req)
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections, want a second one", n)
	}
}

func TestACertificateOfNobodyIsNotBelieved(t *testing.T) {
	leavesNothing(t)
	srv, addr, _, _ := secure(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	_, err := newPool(t, forward.Config{Dial: forward.DialTLS(nil)}).Do(t.Context(), addr, request("GET"))
	if fail, ok := err.(*forward.Error); !ok || fail.Sent {
		t.Errorf("got %v", err)
	}
}
