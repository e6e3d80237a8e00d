package suite

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"homing/homingtest"
)

// TestWatch reads the beginning of GET /watch, whose answer never ends.
func TestWatch(t *testing.T, w *homingtest.World) {
	resp, err := w.For(t).Client(Here).HTTP().Get(homingtest.Origin + "/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(io.LimitReader(resp.Body, 100)).ReadString('\n')
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(line, "data: ") {
		t.Errorf("%d, %q, %v", resp.StatusCode, line, err)
	}
}
