//go:build linux

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// stats are what an edged tells at its side door.
type stats struct {
	Mallocs    float64 `json:"mallocs"`
	Heap       float64 `json:"heap"`
	Goroutines int     `json:"goroutines"`
}

// ask asks an edged's side door for its stats.
func (p *proxy) ask(ctx context.Context, path string) (s stats, err error) {
	text, err := p.tell(ctx, path)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// tell returns what an edged says at its side door.
func (p *proxy) tell(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.stats+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// mallocs returns how often an edged has allocated, or -1 of a peer that does not tell.
func (p *proxy) mallocs(ctx context.Context) float64 {
	if p.stats == "" {
		return -1
	}
	s, err := p.ask(ctx, "/stats")
	if err != nil {
		return -1
	}
	return s.Mallocs
}
