package ingress_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// passed is added to each answer by the ingress that it passes, with its region. The
// primary's stands on what was forwarded, and on nothing else.
const passed = "X-Passed"

// front is a kind of ingress.
type front struct {
	name string
	// command starts one, from the file that users copy.
	command func(t *testing.T, p *place) *exec.Cmd
}

var fronts = []front{{"nginx", nginx}, {"HAProxy", haproxy}}

// around is what Debian has in /etc/nginx/nginx.conf: what a site's file is read into.
const around = `daemon off;
master_process off;
user root;
pid DIR/pid;
error_log stderr;
events {}
http {
	access_log DIR/access;
	client_body_temp_path DIR/bodies;
	proxy_temp_path DIR/answers;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	add_header X-Passed REGION always;
	include DIR/site.conf;
}
`

func nginx(t *testing.T, p *place) *exec.Cmd {
	dir := t.TempDir()
	write(t, dir, "site.conf", fill(t, read(t, "nginx.conf"), "listen 80;", "listen "+p.web+";", "127.0.0.1:8080", p.addr))
	write(t, dir, "nginx.conf", strings.NewReplacer("DIR", dir, "REGION", p.region).Replace(around))
	return exec.Command(program("nginx"), "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
}

func haproxy(t *testing.T, p *place) *exec.Cmd {
	dir := t.TempDir()
	write(t, dir, "haproxy.cfg", fill(t, read(t, "haproxy.cfg"), "bind :80\n", "bind "+p.web+"\n", "127.0.0.1:8080", p.addr,
		"default_backend app", "http-response add-header "+passed+" "+p.region+"\n\tdefault_backend app"))
	return exec.Command(program("haproxy"), "-db", "-f", filepath.Join(dir, "haproxy.cfg"))
}

// program returns a program's file. Debian keeps servers out of a user's PATH.
func program(name string) string {
	if file, err := exec.LookPath(name); err == nil {
		return file
	}
	return "/usr/sbin/" + name
}

// fill replaces texts by others: old, new, old, new. Each must be there once.
func fill(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if n := strings.Count(text, pairs[i]); n != 1 {
			t.Fatalf("%q stands there %d times", pairs[i], n)
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
