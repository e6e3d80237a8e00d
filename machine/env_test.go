package machine_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"homing/machine"
)

// getenv reads from a map, so that tests do not touch the process's environment.
func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

var full = machine.Env{
	App: "guestbook", ID: "9020ee72fd7948", Region: "gru", PrimaryRegion: "ord", ProcessGroup: "web",
	PrivateIP: netip.MustParseAddr("fdaa:0:1:a7b::2"), Port: 8080, Edge: true,
}

func TestReadEnv(t *testing.T) {
	for _, tt := range []struct {
		name string
		vars map[string]string
		want machine.Env
	}{
		{"a laptop is told nothing", nil, machine.Env{}},
		{"empty is absent", map[string]string{"FLY_REGION": "", "PORT": "", "HOMING_EDGE": ""}, machine.Env{}},
		{"everything", map[string]string{
			"FLY_APP_NAME": "guestbook", "FLY_MACHINE_ID": "9020ee72fd7948", "FLY_REGION": "gru", "PRIMARY_REGION": "ord",
			"FLY_PROCESS_GROUP": "web", "FLY_PRIVATE_IP": "fdaa:0:1:a7b::2", "PORT": "8080", "HOMING_EDGE": "1",
		}, full},
		{"regions in capitals", map[string]string{"FLY_REGION": "GRU", "PRIMARY_REGION": "Ord"}, machine.Env{Region: "gru", PrimaryRegion: "ord"}},
		{"the ports' ends", map[string]string{"PORT": "65535"}, machine.Env{Port: 65535}},
		{"no edge is in front", map[string]string{"HOMING_EDGE": "0"}, machine.Env{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := machine.ReadEnv(getenv(tt.vars))
			if got != tt.want || err != nil {
				t.Errorf("ReadEnv = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadEnvReportsAllErrorsEachWithItsVariable(t *testing.T) {
	got, err := machine.ReadEnv(getenv(map[string]string{
		"FLY_APP_NAME": "a b", "FLY_MACHINE_ID": "a/b", "FLY_REGION": "o", "PRIMARY_REGION": "1ord",
		"FLY_PRIVATE_IP": "fdaa::x", "PORT": "http", "FLY_PROCESS_GROUP": "web", "HOMING_EDGE": "true",
	}))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, name := range []string{"FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION", "PRIMARY_REGION", "FLY_PRIVATE_IP", "PORT", "HOMING_EDGE"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], name+": ") {
			t.Errorf("no line about %s in\n%v", name, err)
		}
	}
	if want := (machine.Env{ProcessGroup: "web"}); got != want {
		t.Errorf("what is wrong left %+v, want only what is right", got)
	}
}

func TestReadEnvRefusesWhatIsNoPort(t *testing.T) {
	for _, port := range []string{"0", "65536", "-1", "+80", "80 ", "0x50", ":8080", strings.Repeat("8", 1<<16)} {
		got, err := machine.ReadEnv(getenv(map[string]string{"PORT": port}))
		if err == nil || got.Port != 0 || len(err.Error()) > 300 {
			t.Errorf("PORT=%.20s: port %d, error %v", port, got.Port, err)
		}
	}
}

func TestEnvironIsReadBackByReadEnv(t *testing.T) {
	zoned := full
	zoned.PrivateIP = netip.MustParseAddr("fe80::1%eth0")
	for _, want := range []machine.Env{{}, full, zoned, {Region: "ord"}, {Port: 1}, {Edge: true}} {
		vars := map[string]string{}
		for _, v := range want.Environ() {
			name, value, _ := strings.Cut(v, "=")
			if vars[name] != "" {
				t.Errorf("%s is set twice", name)
			}
			vars[name] = value
		}
		if got, err := machine.ReadEnv(getenv(vars)); got != want || err != nil {
			t.Errorf("%+v is read back as %+v, %v", want, got, err)
		}
	}
}

func TestEnvironLeavesOutWhatIsZero(t *testing.T) {
	if got := (machine.Env{}).Environ(); len(got) != 0 {
		t.Errorf("the zero Env sets %q", got)
	}
	got := machine.Env{ID: "m"}.Environ()
	if want := []string{"FLY_MACHINE_ID=m", "FLY_ALLOC_ID=m"}; !slices.Equal(got, want) {
		t.Errorf("an ID alone sets %q, want it under both names: %q", got, want)
	}
}

func TestTheDatabaseIsThePrimaryAtHomeAndWithoutRegions(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  machine.Env
		want machine.Role
	}{
		{"nothing is set", machine.Env{}, machine.Primary},
		{"only the primary's region is set, as in an env file", machine.Env{PrimaryRegion: "ord"}, machine.Primary},
		{"in the primary's region", machine.Env{Region: "ord", PrimaryRegion: "ord"}, machine.Primary},
		{"elsewhere", machine.Env{Region: "gru", PrimaryRegion: "ord"}, machine.Replica},
	} {
		if got := tt.env.Role(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
