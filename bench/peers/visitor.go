//go:build linux

package main

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// visit does one thing that clients do and says how it went: "ok", an edge's error
// code, or a word of ours. What begins with "WRONG" must not happen.
type visit func(ctx context.Context, v *visitor) string

// visitor is one client of a soak. Its methods are called by one goroutine.
type visitor struct {
	addr   string
	client *http.Client
	name   string
	count  int
}

// kinds are the traffic of a soak, and how many visitors do each at the same time.
var kinds = []struct {
	name     string
	visitors int
	http2    bool
	visit    visit
}{
	{"GET", 8, false, get},
	{"GET, HTTP/2", 4, true, get},
	{"POST", 4, false, func(ctx context.Context, v *visitor) string { return v.post(ctx, "/", 64<<10) }},
	{"POST, HTTP/2", 2, true, func(ctx context.Context, v *visitor) string { return v.post(ctx, "/", 64<<10) }},
	{"POST, replayed", 4, false, func(ctx context.Context, v *visitor) string { return v.post(ctx, replayed, 64<<10) }},
	{"POST, 20 MiB", 1, false, func(ctx context.Context, v *visitor) string { return v.post(ctx, "/", 20<<20) }},
	{"POST, 20 MiB, replayed", 1, false, func(ctx context.Context, v *visitor) string { return v.post(ctx, replayed, 20<<20) }},
	{"answer of 4 MiB", 2, false, download},
	{"answer that breaks off", 2, false, breaks},
	{"slow to read", 8, false, sip},
	{"slow to send", 8, false, drip},
	{"leaves in mid-answer", 4, false, leave},
	{"leaves in mid-body", 2, false, desert},
	{"tunnel", 8, false, chat},
	{"no HTTP", 1, false, babble},
}

// do sends a request; how is what went wrong, or empty.
func (v *visitor) do(ctx context.Context, method, path string, body io.Reader) (resp *http.Response, how string) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+v.addr+path, body)
	if err != nil {
		return nil, "WRONG request: " + err.Error()
	}
	v.count++
	r.Header.Set(idHeader, v.name+strconv.Itoa(v.count))
	resp, err = v.client.Do(r)
	if err != nil {
		return nil, "connection ended"
	}
	if code := resp.Header.Get("Homing-Error"); code != "" {
		resp.Body.Close()
		return nil, code
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, "WRONG status " + strconv.Itoa(resp.StatusCode)
	}
	return resp, ""
}

// answer reads what was answered, and compares.
func answer(resp *http.Response, want func(string) bool) string {
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "answer broke off"
	case !want(string(got)):
		return "WRONG answer"
	}
	return "ok"
}

func get(ctx context.Context, v *visitor) string {
	resp, how := v.do(ctx, http.MethodGet, "/", nil)
	if resp == nil {
		return how
	}
	return answer(resp, func(s string) bool { return s == page })
}

// post sends a body of that length at most, and of that length if it is large.
func (v *visitor) post(ctx context.Context, path string, most int) string {
	n := most
	if n < 1<<20 {
		n = rand.IntN(most)
	}
	body := bytes.Repeat([]byte{byte(rand.IntN(256))}, n)
	resp, how := v.do(ctx, http.MethodPost, path, bytes.NewReader(body))
	if resp == nil {
		return how
	}
	return answer(resp, func(s string) bool { return s == receipt(int64(n), crc32.ChecksumIEEE(body)) })
}

func download(ctx context.Context, v *visitor) string {
	resp, how := v.do(ctx, http.MethodGet, long, nil)
	if resp == nil {
		return how
	}
	return answer(resp, func(s string) bool { return len(s) == longAnswer })
}

// breaks expects that the answer does not look whole.
func breaks(ctx context.Context, v *visitor) string {
	resp, how := v.do(ctx, http.MethodGet, broken, nil)
	if resp == nil {
		return how
	}
	if how = answer(resp, func(string) bool { return false }); how == "WRONG answer" {
		return "WRONG: a broken answer looks whole"
	}
	return "ok"
}

// leave goes when the answer has begun.
func leave(ctx context.Context, v *visitor) string {
	resp, how := v.do(ctx, http.MethodGet, long, nil)
	if resp == nil {
		return how
	}
	_, _ = io.CopyN(io.Discard, resp.Body, rand.Int64N(256<<10))
	resp.Body.Close()
	return "ok"
}
