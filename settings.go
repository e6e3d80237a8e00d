package homing

import (
	"fmt"
	"log/slog"
	"strings"
)

// Setting is one thing that can be set, and what a process uses.
type Setting struct {
	// Name is a word or two, such as "primary region"; Field is its name in [Config].
	Name  string `json:"name"`
	Field string `json:"field"`
	// Variables of the environment that set it, the first that is set counts.
	Variables []string `json:"variables"`
	// Value is what is used, in words; of a secret only how many keys it has. Empty:
	// nothing.
	Value string `json:"value"`
	// From is where the value comes from: a variable's name, "config" or "default".
	From string `json:"from"`
	// Effect, Default and Risk say in a line each what it does, what counts if it is
	// not set, and what may go wrong with it.
	Effect  string `json:"effect"`
	Default string `json:"default"`
	Risk    string `json:"risk"`
}

// knobs are all settings, in the order in which they are read.
var knobs = []Setting{
	{
		Name: "mode", Field: "Mode", Variables: []string{"HOMING_MODE"},
		Effect:  "on decides; observe counts what it would decide; off is the app without Homing",
		Default: "on", Risk: "off sends every query of a far region to the primary",
	},
	{
		Name: "region", Field: "Region", Variables: []string{"HOMING_REGION", "FLY_REGION"},
		Effect:  "where this machine is; without it every request is passed through",
		Default: "none", Risk: "a wrong one makes reads wait too long or not long enough",
	},
	{
		Name: "primary region", Field: "PrimaryRegion", Variables: []string{"HOMING_PRIMARY_REGION", "PRIMARY_REGION"},
		Effect:  "where writes go, until an edge of ours or the database knows better",
		Default: "none; needed where a region is set", Risk: "a wrong one costs writes a detour, or answers them 503",
	},
	{
		Name: "secret", Field: "Secret", Variables: []string{"HOMING_SECRET"},
		Effect:  `signs tokens; "new,old": the first signs, all verify, so that it can be changed`,
		Default: "none: tokens are not signed", Risk: "with none a client can slow its own reads; it must be the same in every region",
	},
	{
		Name: "replay", Field: "Replay", Variables: []string{"HOMING_REPLAY"},
		Effect:  "proxy: who is in front carries out fly-replay; forward: the app sends requests home itself",
		Default: "proxy", Risk: "proxy with nobody there answers writes 503; forward needs a primary URL and a secret",
	},
	{
		Name: "primary URL", Field: "PrimaryURL", Variables: []string{"HOMING_PRIMARY_URL"},
		Effect:  "where the app of the primary's region is reached, for forward",
		Default: "none", Risk: "after a promotion it must lead to the new primary's region, or writes get 508",
	},
	{
		Name: "consistency", Field: "Consistency", Variables: []string{"HOMING_CONSISTENCY"},
		Effect:  "own-writes: never older than one's own write; session: nor than what one saw; window: by time",
		Default: "own-writes", Risk: "session keeps shared caches from storing pages; window sends more reads home",
	},
	{
		Name: "wait", Field: "Wait", Variables: []string{"HOMING_WAIT"},
		Effect:  "how long a read waits for its client's write before it goes home",
		Default: "the round trip home, at most 1s", Risk: "longer: the slowest reads get slower; shorter: more go home",
	},
	{
		Name: "hold", Field: "Hold", Variables: []string{"HOMING_HOLD"},
		Effect:  "how many bytes of an answer are held until its handler is done",
		Default: "65536", Risk: "a longer answer leaves at once: a write that is refused after that fails",
	},
	{
		Name: "cookie domain", Field: "CookieDomain", Variables: []string{"HOMING_COOKIE_DOMAIN"},
		Effect: "lets subdomains share tokens", Default: "none: this host alone",
		Risk: "every host of the domain is sent the cookies",
	},
}

// settled collects what a configuration comes down to.
type settled struct {
	env Env
	all []Setting
}

// note takes down what a knob is set to. inConfig says that the struct set it.
func (s *settled) note(field string, value any, inConfig bool) {
	for _, k := range knobs {
		if k.Field != field {
			continue
		}
		k.Value, k.From = fmt.Sprint(value), "default"
		if v, ok := s.env.from[field]; ok {
			k.From = v
		}
		if inConfig {
			k.From = "config"
		}
		s.all = append(s.all, k)
	}
}

// logArgs is what the log says of settings.
func logArgs(settings []Setting) []any {
	var args []any
	for _, k := range settings {
		if k.Value != "" {
			args = append(args, slog.String(strings.ToLower(strings.ReplaceAll(k.Name, " ", "_")), k.Value+" ("+k.From+")"))
		}
	}
	return args
}

// Settings returns what a [Site] of this configuration would use, and where each value
// comes from. The error is that of [New]; what could be settled is returned beside it.
func (c Config) Settings() ([]Setting, error) {
	_, _, settings, err := c.resolve()
	return settings, err
}
