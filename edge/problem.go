package edge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"homing/forward"
	"homing/replay"
	"homing/route"
	"homing/wire"
)

// Code names what went wrong, with Fly's codes where it has one. The client sees
// it in the header Homing-Error and in the body.
type Code uint8

// Codes that this edge answers with, and their status.
const (
	BadRequest  Code = iota + 1 // 400: a request that cannot be served as it is
	PA01                        // 413: a replay of a body that was not kept
	PA02                        // 508: too many replays
	PA03                        // 502: an invalid replay
	PA04                        // 502: a replay to an app that does not exist
	PA05                        // 502: a replay to an app of others, who do not allow it
	PC01                        // 502: the machine refused the connection
	PC03                        // 502: the machine reset the connection
	PC05                        // 504: connecting to the machine took too long
	PR01                        // 503: no healthy machine
	PR03                        // 503: no machine left where the request has to go
	PL02                        // 503: waited too long for a machine at its limit
	PU02                        // 502: the exchange with the machine broke off
	UnknownHost                 // 404: a host that no app is served under
)

var codes = map[Code]struct {
	name   string
	status int
	title  string
}{
	BadRequest:  {"BAD", http.StatusBadRequest, "The request cannot be served."},
	PA01:        {"PA01", http.StatusRequestEntityTooLarge, "The request's body is too large to be replayed."},
	PA02:        {"PA02", http.StatusLoopDetected, "The request was replayed too often."},
	PA03:        {"PA03", http.StatusBadGateway, "The app asked for an invalid replay."},
	PA04:        {"PA04", http.StatusBadGateway, "The app asked for a replay to an app that does not exist."},
	PA05:        {"PA05", http.StatusBadGateway, "The app asked for a replay to an app that does not allow it."},
	PC01:        {"PC01", http.StatusBadGateway, "The machine refused the connection."},
	PC03:        {"PC03", http.StatusBadGateway, "The machine reset the connection."},
	PC05:        {"PC05", http.StatusGatewayTimeout, "The machine could not be reached in time."},
	PR01:        {"PR01", http.StatusServiceUnavailable, "No machine of the app is healthy."},
	PR03:        {"PR03", http.StatusServiceUnavailable, "No machine can take the request where it has to go."},
	PL02:        {"PL02", http.StatusServiceUnavailable, "Every machine is at its limit."},
	PU02:        {"PU02", http.StatusBadGateway, "The exchange with the machine broke off."},
	UnknownHost: {"HOST", http.StatusNotFound, "No app is served under this host."},
}

// Codes returns all codes as they stand in Homing-Error and in records, sorted.
func Codes() []string {
	names := make([]string, 0, len(codes))
	for _, c := range codes {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

// String returns the code as it stands in Homing-Error.
func (c Code) String() string { return codes[c].name }

// Status returns the status of the answer.
func (c Code) Status() int { return codes[c].status }

// Problem is an error that the client is told about.
type Problem struct {
	Code   Code
	Status int    // of the answer; 0: the code's
	Detail string // one line, safe to show: no state, no secret
}

func problem(c Code, detail string) *Problem { return &Problem{Code: c, Detail: detail} }

func (p *Problem) status() int { return cmp.Or(p.Status, p.Code.Status()) }

// problemOf says what an error means to the client: the one place where errors
// become codes.
func problemOf(err error) *Problem {
	var none *route.Error
	var fail *forward.Error
	switch {
	case errors.Is(err, forward.ErrNotKept):
		return problem(PA01, forward.ErrNotKept.Error()+"; a machine there can take it whole if it is sent there directly")
	case errors.Is(err, forward.ErrBroken):
		return problem(BadRequest, "the request's body could not be read to its end")
	case errors.Is(err, forward.ErrNoUpgrade):
		return &Problem{
			Code: BadRequest, Status: http.StatusNotImplemented,
			Detail: "the app's machines speak HTTP/2 (h2_backend), in which a connection cannot be upgraded, as WebSocket needs",
		}
	case errors.Is(err, forward.ErrUnwritable):
		return problem(BadRequest, "the request cannot be passed on as it is")
	case errors.Is(err, errNoPrimary):
		return problem(PR03, errNoPrimary.Error())
	case errors.As(err, &none):
		return problem(map[route.Why]Code{
			route.NoApp: PA04, route.NoMachine: PR01, route.NoCandidate: PR03, route.NotReady: PR03, route.AllBusy: PL02,
		}[none.Why], none.Error())
	case !errors.As(err, &fail):
		return problem(PU02, "the exchange with the machine broke off")
	case errors.Is(err, syscall.ECONNREFUSED):
		return problem(PC01, "the machine is not listening")
	case !fail.Sent && timedOut(err):
		return problem(PC05, "the machine could not be reached in time")
	case errors.Is(err, syscall.ECONNRESET):
		return problem(PC03, "the machine reset the connection"+maybeRan(fail))
	default:
		return problem(PU02, "the exchange with the machine broke off"+maybeRan(fail))
	}
}

// maybeRan says what the client has to know before it tries again.
func maybeRan(fail *forward.Error) string {
	switch {
	case fail.Unprocessed:
		return "; the machine has not begun with the request"
	case fail.Sent:
		return "; the request may have been carried out, and was not sent again"
	}
	return "; the request was not sent"
}

func timedOut(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// answer returns the head and body for the client: problem+json (RFC 9457) if it
// accepts JSON, else text.
func (p *Problem) answer(request wire.Header, id string) (wire.Header, []byte) {
	c, status := codes[p.Code], p.status()
	h := wire.Header{
		{Name: replay.ErrorHeader, Value: c.name},
		{Name: "Fly-Request-Id", Value: id},
		{Name: "Server", Value: serverName},
		{Name: "Cache-Control", Value: "no-store"},
	}
	var body []byte
	if strings.Contains(request.Get("Accept"), "json") {
		h.Set("Content-Type", "application/problem+json")
		body, _ = json.Marshal(map[string]any{ // strings and a number cannot fail
			"title": c.title, "status": status, "detail": p.Detail, "code": c.name, "request_id": id,
		})
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = fmt.Appendf(nil, "%d %s (%s)\n%s\nRequest %s\n", status, c.title, c.name, p.Detail, id)
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	return h, body
}
