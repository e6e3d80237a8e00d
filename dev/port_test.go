package dev

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"homing/region"
)

// TestAPortThatIsTakenMeanwhile: whoever else runs here may get it while a machine is
// stopped.
func TestAPortThatIsTakenMeanwhile(t *testing.T) {
	w, err := Start(t.Context(), Config{
		Regions: []region.Code{"ord", "gru"}, Primary: "ord", Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		App: func(func(string) string, Database) (http.Handler, error) { return http.NotFoundHandler(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Run(t.Context(), "ord", false))
	for _, addr := range []string{w.places["ord"].site.machines[0].addr, w.databases.(*files).feedAddr()} {
		l, err := net.Listen("tcp", addr)
		must(err)
		defer l.Close()
	}
	must(w.Run(t.Context(), "ord", true))
	_, err = w.Database("ord").SQL().Exec("CREATE TABLE arrives (n INTEGER)")
	must(err)
	must(w.CatchUp(t.Context()))
	client := w.Client("gru")
	defer client.CloseIdleConnections()
	req, err := http.NewRequest("GET", "http://"+w.EdgeAddr("gru")+"/", nil)
	must(err)
	req.Header.Set("Fly-Force-Region", "ord")
	resp, err := client.Do(req)
	must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the machine answered %s", resp.Status)
	}
}

// TestAPortThatIsTakenInIPv6 is none for an app: who asks for "localhost" there may get
// the other's.
func TestAPortThatIsTakenInIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if got := freePort("127.0.0.1:" + port); fmt.Sprint(got) == port {
		t.Errorf("got %d", got)
	}
}
