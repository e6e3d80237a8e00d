//go:build linux

package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

// peer is a proxy that can be measured.
type peer struct {
	name    string
	program string   // its file, or a name in PATH
	config  string   // file in conf; none: the program is an edged
	argv    []string // what follows the program, with %s for the configuration's file
	version string   // empty: that of this repository
	replays bool     // can bring a request to another machine because of an answer
}

// first is the peer that all others are compared with.
const first = "nginx"

// installedPeers are those that come with Debian.
func installedPeers(ctx context.Context) []peer {
	return []peer{
		{name: first, program: found("nginx"), config: "nginx.conf", argv: []string{"-c", "%s", "-e", "stderr"}, version: asked(ctx, found("nginx")), replays: true},
		{name: "haproxy", program: found("haproxy"), config: "haproxy.cfg", argv: []string{"-db", "-f", "%s"}, version: asked(ctx, found("haproxy"))},
	}
}

// found returns a program that Debian keeps out of the PATH of most users.
func found(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return "/usr/sbin/" + program
	}
	return program
}

// asked returns a program's version as it tells it with -v.
func asked(ctx context.Context, program string) string {
	said, _ := output(ctx, program, "-v") // one that does not start does not get ready either
	return versionIn(said)
}

func edged(name, program string) peer {
	return peer{name: name, program: program, replays: true}
}

//go:embed conf
var conf embed.FS

// place is what a configuration is made from.
type place struct {
	Dir, Listen, Near, Home string
	Root                    bool
	Files                   uint64 // that a process may have open
}

// Conns is how many connections of clients have room in so many files.
func (p place) Conns() uint64 { return p.Files/2 - 100 }

// proxy is a peer that runs.
type proxy struct {
	peer
	*process
	addr  string
	stats string // address of an edged's side door
	pids  []int
}

// start runs a peer in front of the origin, in a folder of its own.
func (p peer) start(ctx context.Context, dir string, o *origin) (*proxy, error) {
	dir, err := os.MkdirTemp(dir, p.name+"-")
	if err != nil {
		return nil, err
	}
	run := &proxy{peer: p}
	if p.config == "" {
		err = run.startEdged(ctx, dir, o)
	} else {
		err = run.startConfigured(dir, o)
	}
	if err == nil {
		err = run.answers(ctx, run.url("/"))
	}
	if err != nil {
		if run.process != nil {
			run.stop()
		}
		return nil, err
	}
	run.pids = run.members()
	return run, nil
}

func (p *proxy) startEdged(ctx context.Context, dir string, o *origin) (err error) {
	p.process, err = start(p.name, proxyCore, dir, p.program, "--near", o.near, "--home", o.home)
	if err != nil {
		return err
	}
	return p.listening(ctx)
}

// listening reads where an edged listens.
func (p *proxy) listening(ctx context.Context) error {
	line, err := p.line(ctx)
	p.addr, p.stats, _ = strings.Cut(line, " ")
	return err
}

func (p *proxy) startConfigured(dir string, o *origin) (err error) {
	if p.addr, err = freeAddress(); err != nil {
		return err
	}
	file, err := p.configure(place{Dir: dir, Listen: p.addr, Near: o.near, Home: o.home, Root: os.Geteuid() == 0, Files: files()})
	if err != nil {
		return err
	}
	argv := []string{p.program}
	for _, word := range p.argv {
		argv = append(argv, strings.Replace(word, "%s", file, 1))
	}
	p.process, err = start(p.name, proxyCore, dir, argv...)
	return err
}

// configure writes the peer's configuration.
func (p peer) configure(at place) (file string, err error) {
	text, err := template.ParseFS(conf, "conf/"+p.config)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := text.Execute(&b, at); err != nil {
		return "", err
	}
	file = filepath.Join(at.Dir, p.config)
	return file, os.WriteFile(file, b.Bytes(), 0o600)
}

func (p *proxy) url(path string) string { return "http://" + p.addr + path }

// Port is where the peer listens, whatever name it is asked by.
func (p place) Port() string { return p.Listen[strings.LastIndexByte(p.Listen, ':')+1:] }

// freeAddress returns one that nobody listens on now. Somebody may take it before the
// peer does, which then does not get ready.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// origin is the app behind all of them.
type origin struct {
	*process
	near, home string
}

func startOrigin(ctx context.Context, dir, program string) (*origin, error) {
	p, err := start("origin", loadCore, dir, program)
	if err != nil {
		return nil, err
	}
	o := &origin{process: p}
	line, err := p.line(ctx)
	if err == nil {
		_, err = fmt.Sscan(line, &o.near, &o.home)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return o, nil
}
