package sqlite

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"homing/machine"
)

func TestWhoMayReadTheFeed(t *testing.T) {
	secret := "correct horse battery staple"
	for _, tt := range []struct {
		name, secret, remote, host, auth string
		method                           string
		want                             int
	}{
		{name: "loopback without a secret", remote: "127.0.0.1:9", host: "127.0.0.1:7900", want: 200},
		{name: "loopback, IPv6", remote: "[::1]:9", host: "[::1]:7900", want: 200},
		{name: "loopback by name", remote: "127.0.0.1:9", host: "gru.localhost:7900", want: 200},
		{name: "another host without a secret", remote: "10.0.0.7:9", host: "127.0.0.1:7900", want: 403},
		{name: "a browser led here by a name that points to loopback", remote: "127.0.0.1:9", host: "evil.example:7900", want: 403},
		{name: "no address at all", remote: "@", host: "localhost", want: 403},
		{name: "the secret", secret: secret, remote: "10.0.0.7:9", host: "db.internal", auth: feedToken(secret), want: 200},
		{name: "no secret, from loopback", secret: secret, remote: "127.0.0.1:9", host: "localhost", want: 403},
		{name: "another secret", secret: secret, remote: "127.0.0.1:9", host: "localhost", auth: feedToken(secret + "!"), want: 403},
		{name: "the secret itself, not what is derived", secret: secret, remote: "127.0.0.1:9", host: "localhost", auth: "Bearer " + secret, want: 403},
		{name: "POST", remote: "127.0.0.1:9", host: "localhost", method: "POST", want: 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, Config{Path: t.TempDir() + "/p.db", Role: machine.Primary, Secret: tt.secret, Logger: quiet()})
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the feed ends as soon as it has begun
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			r := httptest.NewRequestWithContext(ctx, method, "/", nil)
			r.RemoteAddr, r.Host = tt.remote, tt.host
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			rec := httptest.NewRecorder()
			db.Feed().ServeHTTP(rec, r)
			if rec.Code != tt.want {
				t.Errorf("status %d, want %d", rec.Code, tt.want)
			}
			if tt.want != 200 && strings.Contains(rec.Body.String(), string(db.State().Epoch)) {
				t.Error("a refusal tells the epoch")
			}
		})
	}
}

func TestAFollowerWithTheSecretFollows(t *testing.T) {
	dir := t.TempDir()
	primary := open(t, Config{Path: dir + "/p.db", Role: machine.Primary, Secret: "one secret", Logger: quiet()})
	server := httptest.NewServer(primary.Feed())
	t.Cleanup(server.Close)
	t.Cleanup(func() { primary.Close() })
	p, err := primary.Position(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	good := open(t, Config{Path: dir + "/good.db", Role: machine.Replica, Feed: server.URL, Secret: "one secret", Logger: quiet()})
	if err := good.Wait(soon(t), p); err != nil {
		t.Errorf("with the secret: %v, %v", err, good.Status().Err)
	}
	bad := open(t, Config{Path: dir + "/bad.db", Role: machine.Replica, Feed: server.URL, Secret: "another", Logger: quiet()})
	eventually(t, "the refusal is shown", func() bool {
		err := bad.Status().Err
		return err != nil && strings.Contains(err.Error(), "403")
	})
}

func TestFeedOfAReplicaIsUnavailable(t *testing.T) {
	w := newWorld(t)
	rec := httptest.NewRecorder()
	w.replica.Feed().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", rec.Code)
	}
}

func TestAFeedThatResumesNowhereIsABadRequest(t *testing.T) {
	w := newWorld(t)
	res, err := http.Get(w.feed.URL + "?epoch=x&after=y")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d, want 400", res.StatusCode)
	}
}

// TestWhereAFeedBegins reads the kind of the frame after the epoch.
func TestWhereAFeedBegins(t *testing.T) {
	w := newWorld(t)
	w.insert("x")
	w.insert("y")
	p := string(w.sync())
	epoch := string(w.primary.State().Epoch)
	n, _ := parseTXID(p)
	for _, tt := range []struct {
		name, query string
		want        byte
	}{
		{"nothing said", "", frameSnapshot},
		{"one behind", "?epoch=" + epoch + "&after=" + string(formatTXID(n-1)), frameChange},
		{"another epoch", "?epoch=0123456789abcdef&after=" + string(formatTXID(n-1)), frameSnapshot},
		{"ahead", "?epoch=" + epoch + "&after=" + string(formatTXID(n+1)), frameSnapshot},
		{"further than numbers go", "?epoch=" + epoch + "&after=ffffffffffffffff", frameSnapshot},
		{"up to date", "?epoch=" + epoch + "&after=" + p, frameAlive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // the last one takes seconds
			req, _ := http.NewRequestWithContext(soon(t), "GET", w.feed.URL+tt.query, nil)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			frames := newFrameReader(res.Body)
			for _, want := range []byte{frameEpoch, tt.want} {
				f, err := frames.next()
				if err != nil || f.kind != want {
					t.Fatalf("frame %c, %v; want %c", f.kind, err, want)
				}
				io.Copy(io.Discard, frames)
			}
		})
	}
}

// spoiled passes on a feed and damages one byte of it.
type spoiled struct {
	http.Handler
	at int // counted from the first byte of the body
}

func (s *spoiled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Handler.ServeHTTP(&spoiler{ResponseWriter: w, at: s.at}, r)
}

type spoiler struct {
	http.ResponseWriter
	at, n int
}

func (s *spoiler) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *spoiler) Write(p []byte) (int, error) {
	if i := s.at - s.n; i >= 0 && i < len(p) {
		p = bytes.Clone(p)
		p[i] ^= 0x20
	}
	n, err := s.ResponseWriter.Write(p)
	s.n += n
	return n, err
}

// TestADamagedFeedIsLeft: wherever the damage is, nothing of it is seen, and an
// intact feed mends it.
func TestADamagedFeedIsLeft(t *testing.T) {
	w := newWorld(t)
	w.bank()
	w.sync()
	for _, at := range []int{0, 20, 50, 60, 70, 200, 3000} {
		w.handler.set(nil)
		w.gate.cut()
		eventually(t, "the feed is left", func() bool { return w.primary.Status().Followers == 0 })
		if err := w.transfer(); err != nil {
			t.Fatal(err)
		}
		w.handler.set(&spoiled{w.primary.Feed(), at})
		p, err := w.primary.Position(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the damage is noticed, or was none", func() bool {
			err := w.replica.Status().Err
			return err != nil && !strings.Contains(err.Error(), "503") || w.replica.Wait(t.Context(), "") == nil && w.replica.Status().Position >= p
		})
		if err := w.audit(true); err != nil {
			t.Errorf("byte %d damaged: %v", at, err)
		}
		w.handler.set(w.primary.Feed())
		w.gate.cut()
		w.sync()
		if err := w.audit(true); err != nil {
			t.Errorf("after byte %d was damaged: %v", at, err)
		}
	}
	w.wantSound(t)
}
