package languages

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"homing/region"
)

// TestVite runs Vite's own server in two regions, and looks at its page in both while a
// file is edited: each is told of it through its edge, by its region's server.
func TestVite(t *testing.T) {
	t.Parallel()
	dir := copyVite(t)
	l := startDev(t, dir, "--regions", "ord,gru")
	pages := map[region.Code]*socket{}
	for at, edge := range l.edges {
		pages[at] = l.openPage(t, at, edge)
	}
	const edited = "export const greeting = 'Good evening'\n"
	if err := os.WriteFile(filepath.Join(dir, "greeting.js"), []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, page := range pages {
		if m := page.message(t); m.Type != "update" || len(m.Updates) != 1 || m.Updates[0].AcceptedPath != "/greeting.js" {
			t.Errorf("in %s the page is told %+v", at, m)
		}
		if a := l.client(at).get(t, "/greeting.js"); !strings.HasPrefix(a.body, edited) {
			t.Errorf("in %s the file is now %v", at, a)
		}
		page.close()
	}
}

// copyVite copies the example's files, one of which is to be edited.
func copyVite(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	from, err := filepath.Abs(filepath.Join("..", "vite"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "vite.config.js", "index.html", "main.js", "greeting.js"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(from, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

var viteToken = regexp.MustCompile(`wsToken = "([^"]+)"`)

// openPage does what a browser does with the page: it loads what is on it, and opens the
// socket through which Vite tells of changes. Vite wants to be asked by a name that it
// knows, and for the token that is in its own script.
func (l *local) openPage(t *testing.T, at region.Code, edge string) *socket {
	t.Helper()
	_, port, _ := net.SplitHostPort(edge)
	c := &client{addr: edge, host: string(at) + ".localhost:" + port}
	token := ""
	for _, path := range []string{"/", "/@vite/client", "/main.js", "/greeting.js"} {
		a := c.get(t, path)
		if a.status != http.StatusOK {
			t.Errorf("%s in %s: %v", path, at, a)
		}
		if m := viteToken.FindStringSubmatch(a.body); m != nil {
			token = m[1]
		}
	}
	origin := []string{"Origin", "http://" + c.host}
	ping := c.socketAt(t, "/?token="+token, append(origin, "Sec-WebSocket-Protocol", "vite-ping")...)
	if got := ping.header.Get("Sec-WebSocket-Protocol"); got != "vite-ping" {
		t.Errorf("a ping in %s is accepted as %q", at, got)
	}
	ping.conn.Close()
	s := c.socketAt(t, "/?token="+token, append(origin, "Sec-WebSocket-Protocol", "vite-hmr")...)
	if got := s.header.Get("Sec-WebSocket-Protocol"); got != "vite-hmr" {
		t.Errorf("the socket in %s is accepted as %q", at, got)
	}
	if m := s.message(t); m.Type != "connected" {
		t.Errorf("in %s the page is told %+v first", at, m)
	}
	return s
}

// viteMessage is what Vite tells a page.
type viteMessage struct {
	Type    string
	Updates []struct{ Type, Path, AcceptedPath string }
}

func (s *socket) message(t *testing.T) (m viteMessage) {
	t.Helper()
	text, err := s.read()
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return m
}
