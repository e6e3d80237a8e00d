package observe

import (
	"fmt"
	"strings"

	"homing/decision"
)

// enough is how many requests say something about an app, and few how many about one
// of its routes or client regions.
const (
	enough = 200
	few    = 20
)

// near is a round trip that nobody feels.
const near = 25e6 // 25 ms

// advise says what follows from the figures.
func (p *Report) advise(names Names) []string {
	if p.Requests < enough {
		return []string{fmt.Sprintf("%d requests say little yet; look again after some thousands.", p.Requests)}
	}
	advice := []string{p.verdict(names)}
	if p.Blind {
		advice = append(advice, "No write was seen in the database. If the app does write, open the database through "+names.Database+
			", so that GETs that write are found.")
	}
	if routes := p.named(func(rt Route) bool { return rt.Reason == decision.Captured && rt.Wrote >= few }); routes != "" {
		advice = append(advice, "These write although their method does not say so: "+routes+
			". Each runs twice, on the replica and then at home, unless it is marked in "+names.WriteRoutes+"; better, they stop writing.")
	}
	unwritten := func(rt Route) bool { return rt.Reason == decision.Method && rt.Wrote == 0 && rt.Home >= few }
	if routes := p.named(unwritten); routes != "" && !p.Blind {
		advice = append(advice, "These were never seen to write, whatever their method says: "+routes+
			". If that is right, "+names.ReadRoutes+" lets them be answered near their clients.")
	}
	return advice
}

// verdict says whether replicas suit the app at all.
func (p *Report) verdict(names Names) string {
	local := percent(p.Local, p.Requests)
	far := p.best()
	switch {
	case 2*p.Home > p.Requests:
		return fmt.Sprintf("Replicas do not suit this app: %d%% of its requests would be sent home.", 100-local)
	case len(p.Clients) == 1 && p.Clients[0].Region == "":
		text := fmt.Sprintf("%d%% of requests could be answered near their clients. Where these are is not known: put an edge in front", local)
		if names.ClientNetworks != "" {
			text += ", or name their networks (" + names.ClientNetworks + ")"
		}
		return text + "."
	case far == nil:
		return fmt.Sprintf("%d%% of requests could be answered near their clients, but no clients are far from %s, so there is little to gain.", local, p.place())
	}
	return fmt.Sprintf("%d%% of requests could be answered near their clients. Most is to be gained in %s: a median of %s instead of %s.",
		local, far.Region, milliseconds(far.Expected.Median), milliseconds(far.Now.Median))
}

func (p *Report) place() string {
	if p.Here == "" {
		return "here"
	}
	return string(p.Here)
}

// best returns the client region in which the most time would be saved, or nil.
func (p *Report) best() *Clients {
	var best *Clients
	gain := func(c *Clients) int64 { return c.Local * int64(c.RoundTrip) }
	for i := range p.Clients {
		c := &p.Clients[i]
		if c.RoundTrip > near && c.Local >= few && (best == nil || gain(c) > gain(best)) {
			best = c
		}
	}
	return best
}

// maxNamed is how many routes a sentence names.
const maxNamed = 5

// named lists the routes that fit.
func (p *Report) named(fits func(Route) bool) string {
	var names []string
	more := 0
	for _, rt := range p.Routes {
		switch {
		case !fits(rt) || rt.Route == others:
		case len(names) == maxNamed:
			more++
		default:
			names = append(names, rt.Route)
		}
	}
	text := strings.Join(names, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return (100*part + whole/2) / whole
}
