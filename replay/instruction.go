package replay

import (
	"fmt"
	"strings"
	"time"

	"homing/machine"
	"homing/region"
)

// Instruction says where a request should be delivered instead. The zero value
// names no place: any machine of the app will do.
type Instruction struct {
	// Regions are places and aliases in order of preference.
	Regions []region.Code
	// Instance is this machine and no other.
	Instance machine.ID
	// PreferInstance is this machine if it can take the request, else any that
	// matches the other fields.
	PreferInstance machine.ID
	// App is another app; empty: the same one.
	App machine.App
	// State is opaque text handed on in [Source]. It may be a secret between
	// apps: never log, show or count it.
	State string
	// Elsewhere excludes the machine that asked.
	Elsewhere bool
	// Timeout bounds reaching the target, not its answer; 0: the edge's default.
	Timeout time.Duration
	// Fallback is what to do when the target cannot be reached.
	Fallback Fallback
}

// Fallback is what becomes of a replay whose target cannot be reached.
type Fallback uint8

const (
	// NoFallback, the zero value: the client gets an error.
	NoFallback Fallback = iota
	// ForceSelf returns to the machine that asked, or fails.
	ForceSelf
	// PreferSelf tries the machine that asked, then any of its app.
	PreferSelf
)

var fallbackNames = [...]string{NoFallback: "", ForceSelf: "force_self", PreferSelf: "prefer_self"}

// String returns the word of the wire, empty for NoFallback.
func (f Fallback) String() string {
	if int(f) >= len(fallbackNames) {
		return fmt.Sprintf("Fallback(%d)", uint8(f))
	}
	return fallbackNames[f]
}

func parseFallback(s string) (Fallback, error) {
	for f, name := range fallbackNames {
		if name == s && s != "" {
			return Fallback(f), nil
		}
	}
	return 0, fmt.Errorf("want force_self or prefer_self, not %q", clip(s))
}

// Format writes the header form. It fails where a field could not be read back:
// a State with ";", a control character or blanks at its ends, a name that
// breaks its own rules, a negative Timeout, an unknown Fallback. The zero value
// is written elsewhere=false, since an empty header asks for nothing.
func (in Instruction) Format() (string, error) {
	var b fieldWriter
	if len(in.Regions) > 0 {
		list := make([]string, len(in.Regions))
		for i, c := range in.Regions {
			if p, err := region.Parse(string(c)); err != nil || p != c {
				return "", fmt.Errorf("replay: region %q cannot be written", clip(string(c)))
			}
			list[i] = string(c)
		}
		value := strings.Join(list, ",")
		if len(list) > 1 {
			value = `"` + value + `"`
		}
		b.add("region", value)
	}
	for _, f := range [...]struct{ name, value string }{
		{"instance", string(in.Instance)}, {"prefer_instance", string(in.PreferInstance)}, {"app", string(in.App)},
	} {
		if _, err := machine.ParseID(f.value); f.value != "" && err != nil {
			return "", fmt.Errorf("replay: %s: %w", f.name, err)
		}
		b.add(f.name, f.value)
	}
	if err := checkState(in.State); err != nil {
		return "", fmt.Errorf("replay: state: %w", err)
	}
	b.add("state", in.State)
	if in.Elsewhere {
		b.add("elsewhere", "true")
	}
	if in.Timeout < 0 {
		return "", fmt.Errorf("replay: timeout %v is negative", in.Timeout)
	}
	if in.Timeout > 0 {
		// Not "µs", whose first letter is not ASCII: proxies may drop such a header.
		b.add("timeout", strings.Replace(in.Timeout.String(), "µ", "u", 1))
	}
	if int(in.Fallback) >= len(fallbackNames) {
		return "", fmt.Errorf("replay: unknown fallback %v", in.Fallback)
	}
	b.add("fallback", in.Fallback.String())
	if b.Len() == 0 {
		b.add("elsewhere", "false")
	}
	return b.String(), nil
}

// checkState reports why a state cannot travel raw in a header.
func checkState(s string) error {
	if strings.Trim(s, blanks) != s {
		return fmt.Errorf("cannot begin or end with a blank")
	}
	for i := range len(s) {
		if s[i] == ';' || s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return fmt.Errorf("cannot hold %q", s[i])
		}
	}
	return nil
}

// fieldWriter joins fields as name=value;name=value and leaves out empty ones.
type fieldWriter struct{ strings.Builder }

func (b *fieldWriter) add(name, value string) {
	if value == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteByte(';')
	}
	b.WriteString(name)
	b.WriteByte('=')
	b.WriteString(value)
}

// clip keeps what an error quotes short: the text comes from a stranger.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
