package app

import (
	"fmt"
	"strings"
	"testing"

	"homing/flytoml"
)

func TestWhichChecksAreShown(t *testing.T) {
	const file = `
[processes]
web = "x"
queue = "x"
[http_service]
internal_port = 3000
processes = ["web"]
[[http_service.checks]]
path = "/decides"
[checks.alive]
type = "http"
port = 3000
path = "/alive"
processes = ["web"]
[checks.port]
type = "tcp"
processes = ["web", "queue"]
[checks.metrics]
type = "http"
port = 9090
processes = ["web"]
[checks.other]
type = "tcp"
port = 3000
processes = ["queue"]
[checks.safe]
type = "http"
protocol = "https"
port = 3000
path = "/safe"
processes = ["web"]
`
	f, err := flytoml.Read(strings.NewReader(file), "fly.toml")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{cfg: Config{File: f}}
	got := map[string]string{}
	for _, s := range a.shown() {
		got[s.Name] = s.Path + s.Unasked
	}
	want := map[string]string{"alive": "/alive", "port": "", "metrics": "/port 9090 is not asked: all machines here share it", "safe": ""}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if len((&app{}).shown()) > 0 {
		t.Error("an app without a fly.toml has checks")
	}
}
