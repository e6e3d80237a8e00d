package health

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Check is a question to a machine's app that decides whether it is given requests, as
// in fly.toml's http_service.checks and tcp_checks.
type Check struct {
	// Method and Path are what an HTTP request asks for; the answer must be 2xx, as
	// Fly's checks want it. An empty Path: whether the port accepts a connection.
	Method, Path string
	Header       map[string]string
	// Interval is how often it is asked. Default 15 s. Until a machine has passed for
	// the first time, and while it does not, it is asked at least every 250 ms.
	Interval time.Duration
	// Timeout bounds each question. Default 5 s.
	Timeout time.Duration
	// Grace is how long a machine may fail at first without being called unwell. It is
	// not given requests before it has passed.
	Grace time.Duration
}

// impatient is how often a machine is asked that does not pass.
const impatient = 250 * time.Millisecond

func (c Check) withDefaults() Check {
	if c.Interval <= 0 {
		c.Interval = 15 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	return c
}

// Examine asks the machine at addr until ctx ends, and calls tell whenever the verdict
// is another one: "" while all checks pass, or why one does not. Before the first
// verdict, each check has passed, or failed beyond its grace period. tell is called by
// one goroutine at a time, and not after Examine has returned.
func Examine(ctx context.Context, addr string, checks []Check, tell func(problem string)) {
	transport := &http.Transport{DisableKeepAlives: true} // each asks whether a new client would be served
	v := &verdict{of: make([]finding, len(checks)), tell: tell}
	var wait sync.WaitGroup
	for i, c := range checks {
		e := examiner{c.withDefaults(), addr, &http.Client{
			Transport: transport, Timeout: c.withDefaults().Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		wait.Go(func() { e.run(ctx, func(f finding) { v.set(i, f) }) })
	}
	wait.Wait()
}

// finding is what one check has found.
type finding struct {
	known   bool
	problem string
}

// verdict is what all checks say together.
type verdict struct {
	mu   sync.Mutex
	of   []finding
	told finding
	tell func(problem string)
}

func (v *verdict) set(i int, f finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[i] = f
	sum := finding{known: true}
	for _, f := range v.of {
		sum.known = sum.known && f.known
		if sum.problem == "" {
			sum.problem = f.problem
		}
	}
	if (sum.known || sum.problem != "") && sum != v.told {
		v.told = sum
		v.tell(sum.problem)
	}
}

// examiner asks one question.
type examiner struct {
	check  Check
	addr   string
	client *http.Client
}

func (e examiner) run(ctx context.Context, tell func(finding)) {
	began, passed := time.Now(), false
	for {
		err := e.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := min(e.check.Interval, impatient)
		switch {
		case err == nil:
			passed, wait = true, e.check.Interval
			tell(finding{known: true})
		case passed || time.Since(began) >= e.check.Grace:
			tell(finding{true, err.Error()})
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

func (e examiner) ask(ctx context.Context) error {
	if e.check.Path == "" {
		return e.connect(ctx)
	}
	what := fmt.Sprintf("the check %s %s", e.check.Method, e.check.Path)
	req, err := http.NewRequestWithContext(ctx, e.check.Method, "http://"+e.addr+e.check.Path, nil)
	if err != nil {
		return fmt.Errorf("%s cannot be made: %w", what, err)
	}
	for name, value := range e.check.Header {
		req.Header.Set(name, value)
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s had no answer within %v", what, e.check.Timeout)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s was answered with %d; want 2xx", what, resp.StatusCode)
	}
	return nil
}

func (e examiner) connect(ctx context.Context) error {
	dialer := net.Dialer{Timeout: e.check.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return fmt.Errorf("nothing accepts connections on %s", e.addr)
	}
	return conn.Close()
}
