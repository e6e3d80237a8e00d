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
	v := &verdict{of: make([]Finding, len(checks)), tell: tell}
	each(addr, checks, func(i int, e examiner) {
		e.unwell = min(e.check.Interval, impatient)
		e.run(ctx, func(f Finding) { v.set(i, f) })
	})
}

// each runs f for each check at once, and returns when all have ended.
func each(addr string, checks []Check, f func(i int, e examiner)) {
	transport := &http.Transport{DisableKeepAlives: true} // each asks whether a new client would be served
	var wait sync.WaitGroup
	for i, c := range checks {
		c = c.withDefaults()
		e := examiner{check: c, addr: addr, unwell: c.Interval, client: &http.Client{
			Transport: transport, Timeout: c.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		wait.Go(func() { f(i, e) })
	}
	wait.Wait()
}

// verdict is what all checks say together.
type verdict struct {
	mu   sync.Mutex
	of   []Finding
	told Finding
	tell func(problem string)
}

func (v *verdict) set(i int, f Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[i] = f
	sum := Finding{Known: true}
	for _, f := range v.of {
		sum.Known = sum.Known && f.Known
		if sum.Problem == "" {
			sum.Problem = f.Problem
		}
	}
	if (sum.Known || sum.Problem != "") && sum != v.told {
		v.told = sum
		v.tell(sum.Problem)
	}
}

// examiner asks one question.
type examiner struct {
	check  Check
	addr   string
	client *http.Client
	unwell time.Duration // how soon it is asked again when it does not pass
}

func (e examiner) run(ctx context.Context, tell func(Finding)) {
	began, passed := time.Now(), false
	for {
		output, err := e.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := min(e.check.Interval, impatient)
		switch {
		case err == nil:
			passed, wait = true, e.check.Interval
			tell(Finding{Known: true, Output: output})
		case passed || time.Since(began) >= e.check.Grace:
			wait = e.unwell
			tell(Finding{true, err.Error(), output})
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

// ask asks once, and returns the answer's text, too.
func (e examiner) ask(ctx context.Context) (output string, err error) {
	if e.check.Path == "" {
		return "", e.connect(ctx)
	}
	what := fmt.Sprintf("the check %s %s", e.check.Method, e.check.Path)
	req, err := http.NewRequestWithContext(ctx, e.check.Method, "http://"+e.addr+e.check.Path, nil)
	if err != nil {
		return "", fmt.Errorf("%s cannot be made: %w", what, err)
	}
	for name, value := range e.check.Header {
		req.Header.Set(name, value)
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%s had no answer within %v", what, e.check.Timeout)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // as much of it as came
	if resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s was answered with %d; want 2xx", what, resp.StatusCode)
	}
	return beginning(string(body)), err
}

func (e examiner) connect(ctx context.Context) error {
	dialer := net.Dialer{Timeout: e.check.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return fmt.Errorf("nothing accepts connections on %s", e.addr)
	}
	return conn.Close()
}
