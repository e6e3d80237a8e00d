//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// bench is one run.
type bench struct {
	settings
	out    io.Writer
	dir    string // for what processes write
	origin *origin
	peers  []peer // the first is what the others are compared with
}

// gather builds what is ours and finds the others.
func (b *bench) gather(ctx context.Context) error {
	step("building the edge and the origin")
	if err := build(ctx, b.dir, nil, "edged", "origin"); err != nil {
		return err
	}
	all := installedPeers(ctx)
	if wants(b.settings.peers, "caddy") {
		caddy, err := b.caddy(ctx)
		if err != nil {
			return err
		}
		all = append(all, caddy)
	}
	all = append(all, edged("homing", filepath.Join(b.dir, "edged")))
	for _, p := range all {
		if p.name == first || wants(b.settings.peers, p.name) {
			b.peers = append(b.peers, p)
		}
	}
	for _, w := range b.with {
		name, file, _ := strings.Cut(w, "=")
		b.peers = append(b.peers, edged(name, file))
	}
	return nil
}

// build builds commands of this folder into dir.
func build(ctx context.Context, dir string, flags []string, commands ...string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this program does not know its module; start it with go run ./bench/peers")
	}
	argv := append([]string{"build", "-o", dir + "/"}, flags...)
	for _, c := range commands {
		argv = append(argv, info.Main.Path+"/bench/peers/"+c)
	}
	if said, err := exec.CommandContext(ctx, "go", argv...).CombinedOutput(); err != nil {
		return fmt.Errorf("the edge cannot be built: %w: %s", err, lastLine(said))
	}
	return nil
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

// startAll starts peers in front of the origin, all at once: those that have no work
// need no time of the processor.
func (b *bench) startAll(ctx context.Context, peers []peer) ([]*proxy, error) {
	var running []*proxy
	for _, p := range peers {
		run, err := p.start(ctx, b.dir, b.origin)
		if err != nil {
			stopAll(running)
			return nil, err
		}
		running = append(running, run)
	}
	return running, nil
}

func stopAll(running []*proxy) {
	for _, p := range running {
		p.stop()
	}
}
