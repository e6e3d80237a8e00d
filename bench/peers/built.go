//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Peers that are written in Go are built from their modules, in these versions.
const (
	caddyModule  = "github.com/caddyserver/caddy/v2"
	caddyVersion = "v2.11.9"
)

// caddy returns Caddy, which is built the first time, within some minutes.
func (b *bench) caddy(ctx context.Context) (peer, error) {
	program, err := b.installed(ctx, caddyModule+"/cmd/caddy", caddyVersion)
	return peer{
		name: "caddy", program: program, config: "Caddyfile", argv: []string{"run", "--adapter", "caddyfile", "--config", "%s"},
		version: strings.TrimPrefix(caddyVersion, "v"), replays: true,
	}, err
}

// installed returns the program of a command in a version, from the user's cache once
// it has been built.
func (b *bench) installed(ctx context.Context, command, version string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name := path.Base(command)
	dir := filepath.Join(cache, "homing-bench", name+"-"+version)
	program := filepath.Join(dir, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	step("building %s %s, once; it takes some minutes", name, version)
	cmd := exec.CommandContext(ctx, "go", "install", command+"@"+version)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot be built (leave it out with --peers): %w: %s", name, err, lastLine(said))
	}
	return program, nil
}
