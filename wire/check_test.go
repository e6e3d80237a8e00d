package wire_test

import (
	"errors"
	"strings"
	"testing"

	"homing/wire"
)

func TestCheck(t *testing.T) {
	good := wire.Request{Method: "GET", Target: "/a?b", Host: "a.test:80", Minor: 1}
	for name, tc := range map[string]struct {
		change func(r *wire.Request)
		want   string // "": accepted
	}{
		"as it should be":           {func(*wire.Request) {}, ""},
		"an asterisk":               {func(r *wire.Request) { r.Method, r.Target = "OPTIONS", "*" }, ""},
		"the host twice, and equal": {func(r *wire.Request) { r.Header.Add("host", "A.test:80") }, ""},
		"its length":                {func(r *wire.Request) { r.Length = 3; r.Header.Add("Content-Length", "3") }, ""},
		"an old one without a host": {func(r *wire.Request) { r.Host, r.Minor = "", 0 }, ""},
		"no host":                   {func(r *wire.Request) { r.Host = "" }, "Host is missing"},
		"a host with a user":        {func(r *wire.Request) { r.Host = "u@a.test" }, "host"},
		"a host with a path":        {func(r *wire.Request) { r.Host = "a.test/x" }, "host"},
		"another host":              {func(r *wire.Request) { r.Header.Add("Host", "b.test") }, "Host is not"},
		"two hosts":                 {func(r *wire.Request) { r.Header.Add("Host", r.Host); r.Header.Add("Host", "b.test") }, "Host is not"},
		"no target":                 {func(r *wire.Request) { r.Target = "" }, "target"},
		"a target elsewhere":        {func(r *wire.Request) { r.Target = "http://a.test:80/a" }, "target"},
		"an asterisk with GET":      {func(r *wire.Request) { r.Target = "*" }, "OPTIONS"},
		"a target with a blank":     {func(r *wire.Request) { r.Target = "/a HTTP/1.1" }, "target"},
		"a fragment":                {func(r *wire.Request) { r.Target = "/a#b" }, "target"},
		"a bad escape":              {func(r *wire.Request) { r.Target = "/%zz" }, "path"},
		"a method with a blank":     {func(r *wire.Request) { r.Method = "GET /x HTTP/1.1" }, "method"},
		"CONNECT":                   {func(r *wire.Request) { r.Method, r.Target = "CONNECT", "a.test:80" }, "CONNECT"},
		"another length":            {func(r *wire.Request) { r.Length = 3; r.Header.Add("Content-Length", "4") }, "Content-Length"},
		"a length, and nothing":     {func(r *wire.Request) { r.Header.Add("Content-Length", "4") }, "Content-Length"},
		"no number":                 {func(r *wire.Request) { r.Header.Add("Content-Length", "0, 0") }, "Content-Length"},
		"two lengths":               {func(r *wire.Request) { r.Header.Add("Content-Length", "0"); r.Header.Add("Content-Length", "0") }, "Content-Length"},
		"a length in disguise":      {func(r *wire.Request) { r.Header.Add("Content_Length", "0") }, "Content-Length"},
		"a coding in disguise":      {func(r *wire.Request) { r.Header.Add("transfer_encoding", "chunked") }, "Transfer-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			tc.change(&r)
			err := r.Check()
			var fault *wire.Error
			if (err == nil) != (tc.want == "") || err != nil && (!errors.As(err, &fault) || fault.Status != 400 || !strings.Contains(fault.Reason, tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
