package edge

import (
	"errors"
	"fmt"
	"io"
	"time"

	"homing/fleet"
	"homing/forward"
	"homing/machine"
	"homing/replay"
	"homing/wire"
)

// heard gathers what an answer says about a replay.
func heard(h wire.Header) (f replay.Fields) {
	for i := range h {
		f.Add(h[i].Name, h[i].Value)
	}
	return f
}

// asked reports whether the last answer asks for a replay, in either form.
func (t *trip) asked() bool {
	asks, _ := t.said.Asks()
	return asks
}

// turn takes a replay: the next hop goes where the instruction says.
func (t *trip) turn(answer *forward.Response) *Problem {
	from := *t.slot.Machine
	in, err := readInstruction(&t.said, answer)
	if err != nil {
		return unreadable(err)
	}
	if t.replays++; t.replays > replay.MaxHops {
		return problem(PA02, fmt.Sprintf("the request was replayed more than %d times; the machines send it round in a loop", replay.MaxHops))
	}
	if t.fellBack {
		return problem(PA03, "the request came back by its fallback, and cannot be replayed again")
	}
	if p := t.mayEnter(from.App, in.App); p != nil {
		return p
	}
	t.heed(in, from)
	t.follow(in, from.ID, from.App)
	before := t.homeward
	t.homeward = isHomeward(in, t.rec.Last().Decision)
	t.cameBack = before && t.homeward
	t.transform(in.Transform)
	t.header.Set(replay.SourceHeader, replay.Source{
		Instance: from.ID, Region: from.Region, At: time.Now(), State: in.State,
	}.String())
	return nil
}

// unreadable is an instruction that is none, or of which only a part came.
func unreadable(err error) *Problem {
	var syntax *replay.SyntaxError
	if errors.As(err, &syntax) {
		return problem(PA03, "the machine asked for an invalid replay: "+err.Error())
	}
	return problem(PU02, "the machine's answer broke off in the middle of a replay")
}

// follow aims at where a machine of this app sends the request.
func (t *trip) follow(in replay.Instruction, origin machine.ID, app machine.App) {
	t.wish.Replay, t.wish.Origin, t.wish.OriginApp = in, origin, app
	if in.App != "" {
		t.wish.App = in.App
	}
}

// mayEnter reports why one app must not replay into another. An app that does not
// exist is found out when a machine is chosen.
func (t *trip) mayEnter(from, to machine.App) *Problem {
	if to == "" || to == from {
		return nil
	}
	here, _ := t.fleet.App(from)
	there, exists := t.fleet.App(to)
	if exists && !fleet.MayReplay(here, there) {
		return problem(PA05, fmt.Sprintf("app %s belongs to others, and does not take replays from %s", to, from))
	}
	return nil
}

// smallRest is how much of a replay's answer is read away, unused, so that its
// connection can be kept.
const smallRest = 4 << 10

// readInstruction returns what an answer that said so asks for, and is done with the answer.
// The error is a [*replay.SyntaxError], or that of reading its body.
func readInstruction(said *replay.Fields, answer *forward.Response) (replay.Instruction, error) {
	defer answer.Body.Close()
	if answer.Tunnel != nil {
		defer answer.Tunnel.Close()
	}
	var body []byte
	var err error
	if _, inBody := said.Asks(); inBody {
		body, err = io.ReadAll(io.LimitReader(answer.Body, replay.MaxJSON+1))
	} else if answer.Length > 0 && answer.Length <= smallRest {
		// What this brings is of no use, and so is its error.
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	if err != nil {
		return replay.Instruction{}, err
	}
	return said.Read(body)
}

// transform changes the request for the machines that come.
func (t *trip) transform(tr replay.Transform) {
	if tr.Path != "" {
		t.target = tr.Path
	}
	for _, name := range tr.DeleteHeaders {
		t.header.Del(name)
	}
	for _, h := range tr.SetHeaders {
		t.header.Set(h.Name, h.Value)
	}
}
