package homeward

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"homing/forward"
	"homing/replay"
	"homing/wire"
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// deliver streams an answer to the client.
func (t *trip) deliver(answer *forward.Response) {
	defer answer.Body.Close()
	header := outward(answer.Header)
	if answer.Length >= 0 && answer.Status != http.StatusNoContent && answer.Status != http.StatusNotModified {
		header.Set("Content-Length", strconv.FormatInt(answer.Length, 10))
	}
	t.out.Begin(answer.Status, header, answer.Length)
	if answer.Status < 300 && answer.Length != 0 {
		answer.SendBody() // the app over there cannot ask for it any more
	}
	if t.stream(answer) != nil {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	t.out.End(outward(answer.Trailer))
}

// stream copies the answer's body until its end. What has no known length goes out as
// soon as it has come, so that events are not held up.
func (t *trip) stream(answer *forward.Response) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := answer.Body.Read(*buf)
		if n > 0 {
			if _, err := t.out.Write((*buf)[:n]); err != nil {
				return err
			}
			if answer.Length < 0 {
				t.out.Flush()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tunnel carries an answer of 101 to the client, and then bytes in both directions
// until both have ended.
func (t *trip) tunnel(answer *forward.Response) *Problem {
	defer answer.Tunnel.Close()
	if forward.Upgrade(t.in) == "" {
		return t.problem(http.StatusBadGateway, "The primary's region %s switched protocols without being asked to.", t.errand.To)
	}
	header := outward(answer.Header)
	header["Connection"], header["Upgrade"] = []string{"Upgrade"}, slices.Collect(answer.Header.Values("Upgrade"))
	client, err := t.out.SwitchTo(header)
	if err != nil {
		return t.problem(http.StatusBadGateway, "The connection cannot switch protocols: something around the handler does not let it be taken over.")
	}
	defer client.Close()
	forward.Join(client, answer.Tunnel)
	return nil
}

// refuseReplay is done with an answer that asks for a replay where nobody carries it
// out.
func (t *trip) refuseReplay(answer *forward.Response) *Problem {
	answer.Body.Close()
	if answer.Tunnel != nil {
		answer.Tunnel.Close()
	}
	return t.problem(http.StatusBadGateway, "The request was sent home to region %s, and asked for a replay there that nobody carried out: "+
		"HOMING_PRIMARY_URL must lead to the primary, or to a proxy that carries out fly-replay.", t.errand.To)
}

// outward copies what leaves the handler of an answer: not what machines say to an
// edge of theirs.
func outward(header wire.Header) http.Header {
	h := forward.EndToEnd(forward.HTTPHeader(header))
	for name := range h {
		if strings.HasPrefix(name, replay.Header) || name == replay.RoleHeader || name == replay.DecisionHeader {
			delete(h, name)
		}
	}
	return h
}
