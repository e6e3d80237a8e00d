package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// environment runs "homing env" with these variables, and nothing else of Homing's.
func environment(t *testing.T, vars map[string]string, args ...string) (string, error) {
	t.Helper()
	for _, name := range []string{"HOMING_MODE", "HOMING_REGION", "FLY_REGION", "HOMING_PRIMARY_REGION", "PRIMARY_REGION", "HOMING_SECRET", "DATABASE_URL", "PGHOST"} {
		t.Setenv(name, vars[name])
	}
	var out, errOut syncBuffer
	err := run(t.Context(), append([]string{"env"}, args...), &out, &errOut)
	return out.String(), err
}

func TestEnvSaysWhatAProcessWouldUse(t *testing.T) {
	type vars = map[string]string
	for _, tt := range []struct {
		name string
		vars vars
		want []string
		err  string
	}{
		{"nothing set", nil, []string{"No region is configured", "  region           -                     not set (FLY_REGION)"}, ""},
		{"a replica's", vars{"FLY_REGION": "gru", "PRIMARY_REGION": "ams", "HOMING_PRIMARY_REGION": "ord", "HOMING_SECRET": "0123456789abcdef"}, []string{
			"Reads are answered here, in gru; writes go to ord", "  region           gru                   FLY_REGION",
			"  primary region   ord                   HOMING_PRIMARY_REGION", "  secret           1, hidden             HOMING_SECRET",
			"  wait             119.7ms               default (HOMING_WAIT)",
		}, ""},
		{"the primary's", vars{"FLY_REGION": "ord", "PRIMARY_REGION": "ord"}, []string{"The primary is here, in ord"}, ""},
		{"switched off", vars{"HOMING_MODE": "off", "FLY_REGION": "gru"}, []string{"switched off", "  mode             off                   HOMING_MODE"}, ""},
		{"observing", vars{"HOMING_MODE": "observe"}, []string{"Homing observes"}, ""},
		{"wrong", vars{"FLY_REGION": "gru"}, []string{"does not start", "  region           gru "}, `region is "gru", but nothing says where the primary is; set PRIMARY_REGION`},
		{"a database", vars{"FLY_REGION": "gru", "PRIMARY_REGION": "ord", "DATABASE_URL": "postgres://u:hush-hush@db.internal/app"},
			[]string{"  rule             DATABASE_URL, at a replica's port 5433", "  host             db.internal"}, ""},
		{"a database that is none", vars{"DATABASE_URL": "postgres://u:hush-hush@/ap p"}, []string{"does not start"}, "postgres: DATABASE_URL: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, args := range [][]string{nil, {"--long"}} {
				out, err := environment(t, tt.vars, args...)
				if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), "homing env: "+tt.err) {
					t.Errorf("the error is %v, want %q", err, tt.err)
				}
				for _, want := range tt.want {
					if !strings.Contains(out, want) {
						t.Errorf("%v lacks %q:\n%s", args, want, out)
					}
				}
				checkPrinted(t, out)
			}
		})
	}
}

// checkPrinted looks for what no output may have.
func checkPrinted(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n := len(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(out, "hush-hush") || strings.Contains(out, "0123456789abcdef") {
		t.Errorf("a secret is shown:\n%s", out)
	}
}

func TestEnvIsReadByPrograms(t *testing.T) {
	out, err := environment(t, map[string]string{"FLY_REGION": "gru", "HOMING_SECRET": "0123456789abcdef"}, "--json")
	if err == nil {
		t.Error("a region without a primary's is no error")
	}
	var r used
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Problem == "" || len(r.Settings) == 0 {
		t.Errorf("%v: %s", err, out)
	}
	for _, s := range r.Settings {
		if s.Effect == "" || s.Default == "" || s.Risk == "" || len(s.Variables) == 0 {
			t.Errorf("%s says too little: %+v", s.Name, s)
		}
	}
}
