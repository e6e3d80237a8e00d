package app

import (
	"slices"
	"strings"
	"testing"

	"homing/dev"
	"homing/dev/command"
)

func TestWhatStandsAroundAnApp(t *testing.T) {
	for _, tt := range []struct {
		name, command  string
		wanted         bool
		sidecar, rests string
	}{
		{"nothing", "rails server", false, "", "rails server"},
		{"what is wanted", "rails server", true, "/bin/homing sidecar --", "rails server"},
		{"what the image has", "homing sidecar --env DB_PORT={port} -- php -S 0.0.0.0:{port}", false, "/bin/homing sidecar --env DB_PORT={port} --", "php -S 0.0.0.0:{port}"},
		{"not twice", "homing sidecar -- rails server", true, "/bin/homing sidecar --", "rails server"},
		{"another command of ours", "homing demo -- x", false, "", "homing demo -- x"},
		{"a sidecar without a command", "homing sidecar --target http://127.0.0.1:1", false, "", "homing sidecar --target http://127.0.0.1:1"},
	} {
		a := &app{cfg: Config{Homing: "/bin/homing", Sidecar: tt.wanted, Found: command.Found{Web: command.Command{Args: strings.Fields(tt.command)}}}}
		if got := a.sidecar(); !slices.Equal(got, strings.Fields(tt.sidecar)) {
			t.Errorf("%s: %q stands around it, want %q", tt.name, got, tt.sidecar)
		}
		if got := a.ownCommand().Args; !slices.Equal(got, strings.Fields(tt.rests)) {
			t.Errorf("%s: the app is %q, want %q", tt.name, got, tt.rests)
		}
	}
}

// TestAMissingAppIsFoundBeforeItsSidecars: each of them would say it.
func TestAMissingAppIsFoundBeforeItsSidecars(t *testing.T) {
	a := &app{dir: t.TempDir(), cfg: Config{Homing: "/bin/homing", Sidecar: true}}
	m := dev.Machine{Region: "ord", Number: 1, Port: 8080}
	if _, err := a.behindSidecar(command.Command{Args: []string{"no-such-program"}}, m); err == nil || !strings.Contains(err.Error(), `"no-such-program": not found`) {
		t.Error(err)
	}
	if cfg, err := a.behindSidecar(command.Command{Args: []string{"true"}}, m); err != nil || strings.Join(cfg.Args, " ") != "/bin/homing sidecar -- true" {
		t.Errorf("%q, %v", cfg.Args, err)
	}
}
