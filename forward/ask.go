package forward

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Ask sends a request with this body (nil: none) to addr, and once more on a fresh
// connection if again says that it may be: it is asked of failures that left the client,
// its body and the request's head sound, and no byte of an answer. req.Announce counts
// for as long as nobody has read the body.
func (p *Pool) Ask(ctx context.Context, addr string, req *Request, body *Body, again func(*Error) bool) (*Response, error) {
	announce := req.Announce
	answer, err := p.attempt(ctx, addr, req, body)
	var fail *Error
	if !errors.As(err, &fail) || fail.Answered || ctx.Err() != nil || isClients(err) || !again(fail) {
		return answer, err
	}
	req.Fresh, req.Announce = true, announce
	answer, second := p.attempt(ctx, addr, req, body)
	if errors.Is(second, ErrNotKept) {
		return nil, err // what made a second try necessary says more
	}
	return answer, second
}

func (p *Pool) attempt(ctx context.Context, addr string, req *Request, body *Body) (*Response, error) {
	if body != nil {
		attempt, err := body.Attempt()
		if err != nil {
			return nil, err
		}
		req.Body, req.Announce = attempt, req.Announce && body.Unread()
	}
	return p.Do(ctx, addr, req)
}

// isClients reports whether it is the request that no machine can be sent.
func isClients(err error) bool {
	return errors.Is(err, ErrBroken) || errors.Is(err, ErrNotKept) || errors.Is(err, ErrUnwritable)
}

// Target is what stood in the first line of a request, as net/http's server has it, but
// for a client that wrote a whole URL (RFC 9112 §3.2.2): then it is the path and query.
func Target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*" || r.ProtoMajor == 2 {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// TakesTrailers reports whether a TE header says that trailers are welcome, on which
// gRPC insists. It is for machines that are spoken to in HTTP/2; in HTTP/1.1 it would be
// a promise about connections that nobody looks at (RFC 9110 §10.1.4).
func TakesTrailers(te []string) bool {
	for _, list := range te {
		for coding := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(coding), "trailers") {
				return true
			}
		}
	}
	return false
}
