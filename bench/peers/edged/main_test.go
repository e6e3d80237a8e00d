package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// machineAt answers with its name, and where it is asked to, with a replay.
func machineAt(t *testing.T, name string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name == "near" && r.URL.Path == "/replay" {
			w.Header().Set("Fly-Replay", "region=ord")
			w.WriteHeader(http.StatusConflict)
			return
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// running starts the program and returns the edge's address and that of its side door.
func running(t *testing.T) (front, side string) {
	t.Helper()
	args := []string{"--near", machineAt(t, "near"), "--home", machineAt(t, "home")}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, w) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &front, &side); err != nil {
		t.Fatal(err)
	}
	return front, side
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(body)
}

func TestItServesAndReplays(t *testing.T) {
	front, side := running(t)
	for path, want := range map[string]string{"/": "near", "/replay": "home"} {
		if got := get(t, "http://"+front+path); got != want {
			t.Errorf("%s was answered by %s, want %s", path, got, want)
		}
	}
	if text := get(t, "http://"+side+"/metrics"); !strings.Contains(text, `class="2xx",edge="ams",method="GET",region="ord"} 1`) {
		t.Error("the replay was not counted")
	}
}

func TestStatsGrow(t *testing.T) {
	front, side := running(t)
	tell := func() (s stats) {
		if err := json.Unmarshal([]byte(get(t, "http://"+side+"/stats?gc")), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := tell()
	get(t, "http://"+front+"/")
	after := tell()
	if after.Mallocs <= before.Mallocs || after.Heap == 0 || after.Goroutines == 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestWhatItDoesNotKnowIsAnError(t *testing.T) {
	if err := run(t.Context(), []string{"--log", "loudly"}, io.Discard); err == nil {
		t.Error("no error for a level that there is not")
	}
}
