package homing

import (
	"strings"
	"testing"
	"time"
)

func TestFromLookup(t *testing.T) {
	e := in("FLY_REGION", "ord", "HOMING_REGION", "GRU", "HOMING_PRIMARY_REGION", "cdg",
		"HOMING_SECRET", "0123456789abcdef", "HOMING_WAIT", "300ms", "HOMING_HOLD", "1024", "HOMING_COOKIE_DOMAIN", "example.com")
	if e.Region != "gru" || e.PrimaryRegion != "cdg" {
		t.Errorf("region %q, primary %q: HOMING_* should win over FLY_REGION and PRIMARY_REGION", e.Region, e.PrimaryRegion)
	}
	if e.Keys.IsZero() || e.Wait != 300*time.Millisecond || e.Hold != 1024 || e.CookieDomain != "example.com" {
		t.Errorf("not all was read: %+v", e)
	}
}

func TestFromLookupNamesEachBadVariable(t *testing.T) {
	bad := map[string]string{
		"HOMING_REGION": "o r d", "HOMING_PRIMARY_REGION": "1", "HOMING_SECRET": "hunter2",
		"HOMING_WAIT": "300", "HOMING_HOLD": "-1", "FLY_REGION": "!", "PORT": "0",
	}
	_, err := FromLookup(func(name string) string { return bad[name] })
	if err == nil {
		t.Fatal("no error")
	}
	for name := range bad {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error quotes the secret: %v", err)
	}
	for _, v := range []string{"0s", "-1s", "x"} {
		if _, err := FromLookup(func(name string) string { return map[string]string{"HOMING_WAIT": v}[name] }); err == nil {
			t.Errorf("HOMING_WAIT=%s is accepted", v)
		}
	}
}

func TestNothingSetIsNoError(t *testing.T) {
	if e, err := FromLookup(func(string) string { return "" }); err != nil || e.Region != "" || e.Addr() != ":8080" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestAddr(t *testing.T) {
	for _, tt := range []struct {
		name string
		vars []string
		want string
	}{
		{"nothing told", nil, ":8080"},
		{"a port", []string{"PORT", "3000"}, ":3000"},
		{"an edge of ours in front", []string{"PORT", "3000", "HOMING_EDGE", "1"}, "127.0.0.1:3000"},
		{"an edge without a port", []string{"HOMING_EDGE", "1"}, "127.0.0.1:8080"},
		{"no edge in front", []string{"HOMING_EDGE", "0"}, ":8080"},
	} {
		if got := in(tt.vars...).Addr(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
