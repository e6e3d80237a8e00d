package machine

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"homing/region"
)

// Env is what a machine is told about itself. The zero value means "not told":
// a process on a developer's laptop, without regions.
type Env struct {
	App           App         // FLY_APP_NAME
	ID            ID          // FLY_MACHINE_ID (FLY_ALLOC_ID, its older name, is written too)
	Region        region.Code // FLY_REGION
	PrimaryRegion region.Code // PRIMARY_REGION: where the writable database lives
	ProcessGroup  string      // FLY_PROCESS_GROUP
	PrivateIP     netip.Addr  // FLY_PRIVATE_IP
	Port          uint16      // PORT: where the app must listen; 0 = not told

	// Edge (HOMING_EDGE=1) says that one of our edges is in front and that
	// nothing else can reach the app: what that edge says may be believed.
	Edge bool
}

// Role returns what the environment says of the machine's database: Primary where
// Region is the primary's region, or where no region is set. A database that
// knows its own role knows better.
func (e Env) Role() Role {
	if e.Region == "" || e.Region == e.PrimaryRegion {
		return Primary
	}
	return Replica
}

// ReadEnv reads a machine's environment through getenv (normally [os.Getenv]).
// Variables that are absent or empty leave their field zero. All errors are
// returned at once, joined, each naming its variable.
func ReadEnv(getenv func(string) string) (Env, error) {
	var e Env
	var errs []error
	read := func(name string, set func(string) error) {
		if v := getenv(name); v != "" {
			if err := set(v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	read("FLY_APP_NAME", func(s string) (err error) { e.App, err = ParseApp(s); return })
	read("FLY_MACHINE_ID", func(s string) (err error) { e.ID, err = ParseID(s); return })
	read("FLY_REGION", func(s string) (err error) { e.Region, err = region.Parse(s); return })
	read("PRIMARY_REGION", func(s string) (err error) { e.PrimaryRegion, err = region.Parse(s); return })
	read("FLY_PROCESS_GROUP", func(s string) error { e.ProcessGroup = s; return nil })
	read("FLY_PRIVATE_IP", func(s string) (err error) { e.PrivateIP, err = netip.ParseAddr(s); return })
	read("PORT", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a port; want a number from 1 to 65535", clip(s))
		}
		e.Port = uint16(n)
		return nil
	})
	read("HOMING_EDGE", func(s string) error {
		if s != "0" && s != "1" {
			return fmt.Errorf("%q is neither 1 nor 0", clip(s))
		}
		e.Edge = s == "1"
		return nil
	})
	return e, errors.Join(errs...)
}

// Environ returns the variables as "NAME=value", ready for [os/exec.Cmd.Env].
// Fields that are zero are left out.
func (e Env) Environ() []string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+value)
		}
	}
	add("FLY_APP_NAME", string(e.App))
	add("FLY_MACHINE_ID", string(e.ID))
	add("FLY_ALLOC_ID", string(e.ID))
	add("FLY_REGION", string(e.Region))
	add("PRIMARY_REGION", string(e.PrimaryRegion))
	add("FLY_PROCESS_GROUP", e.ProcessGroup)
	if e.PrivateIP.IsValid() {
		add("FLY_PRIVATE_IP", e.PrivateIP.String())
	}
	if e.Port != 0 {
		add("PORT", strconv.Itoa(int(e.Port)))
	}
	if e.Edge {
		add("HOMING_EDGE", "1")
	}
	return out
}
