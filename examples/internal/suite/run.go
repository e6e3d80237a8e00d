package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testRun runs the program as a plain `go run` would, with a database and no regions.
func (s *started) testRun(t *testing.T) {
	for _, name := range []string{"FLY_REGION", "PRIMARY_REGION", "HOMING_REGION", "HOMING_EDGE", "HOMING_MODE"} {
		t.Setenv(name, "")
	}
	t.Setenv("DATABASE_URL", s.primary.Pool().Config().ConnString())
	for range 3 {
		err := s.runOnce(t)
		if !errors.Is(err, syscall.EADDRINUSE) { // somebody else was given the port
			return
		}
	}
	t.Error("no port is free")
}

// runOnce fails the test unless the program serves, and ends when it is told to.
func (s *started) runOnce(t *testing.T) error {
	port := freePort(t)
	t.Setenv("PORT", port)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.stack.Run(ctx) }()
	err := asked("http://127.0.0.1:"+port, ended)
	if errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	if err != nil {
		t.Error(err)
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
	return nil
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// asked waits until the program answers, and then creates a link and follows it.
func asked(base string, ended <-chan error) error {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}
	if err := serves(client, base+"/healthz", ended); err != nil {
		return err
	}
	for _, step := range []struct {
		status int
		do     func() (*http.Response, error)
	}{
		{201, func() (*http.Response, error) {
			return client.PostForm(base+"/links", url.Values{"name": {"one"}, "url": {"http://one.test/"}})
		}},
		{302, func() (*http.Response, error) { return client.Get(base + "/go/one") }},
		{200, func() (*http.Response, error) { return client.Get(base + "/links") }},
	} {
		if err := status(step.status)(step.do()); err != nil {
			return err
		}
	}
	return nil
}

func status(want int) func(*http.Response, error) error {
	return func(resp *http.Response, err error) error {
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != want {
			err = fmt.Errorf("%s %s: %d %s, want %d", resp.Request.Method, resp.Request.URL, resp.StatusCode, strings.TrimSpace(string(body)), want)
		}
		return err
	}
}

// serves asks until there is an answer of 200.
func serves(client *http.Client, address string, ended <-chan error) error {
	var err error
	for limit := time.After(20 * time.Second); ; {
		if err = status(http.StatusOK)(client.Get(address)); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			return err
		case <-limit:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
