package homing

import (
	"reflect"
	"testing"
)

// Fields of Config that no operator sets: what only the app knows, and limits that have
// not been asked for as variables.
var notKnobs = map[string]bool{
	"Env": true, "Database": true, "WriteRoutes": true, "ReadRoutes": true, "ClientNetworks": true, "Logger": true, "Names": true,
	"SecondTry": true, "SecondTryOwn": true, "Window": true, "TokenLife": true, "MaxLag": true,
}

func TestEachKnobIsAFieldAndAVariable(t *testing.T) {
	config := reflect.TypeFor[Config]()
	known := map[string]bool{}
	for _, k := range knobs {
		known[k.Field] = true
		if _, ok := config.FieldByName(k.Field); !ok {
			t.Errorf("%s is no field of Config", k.Field)
		}
	}
	for f := range config.NumField() {
		if name := config.Field(f).Name; known[name] == notKnobs[name] {
			t.Errorf("Config.%s is a knob: %v", name, known[name])
		}
	}
	for _, vars := range []map[string]string{
		{"HOMING_MODE": "observe", "HOMING_REGION": "gru", "HOMING_PRIMARY_REGION": "ord", "HOMING_SECRET": "0123456789abcdef",
			"HOMING_CONSISTENCY": "session", "HOMING_WAIT": "1s", "HOMING_HOLD": "10", "HOMING_COOKIE_DOMAIN": "example.com"},
		{"FLY_REGION": "gru", "PRIMARY_REGION": "ord"},
	} {
		env, err := FromLookup(func(name string) string { return vars[name] })
		if err != nil {
			t.Fatal(err)
		}
		settings, err := Config{Env: env}.Settings()
		if err != nil || len(settings) != len(knobs) {
			t.Errorf("%d of %d settings (%v)", len(settings), len(knobs), err)
		}
		for _, s := range settings {
			for _, v := range s.Variables {
				if _, set := vars[v]; set && s.From != v {
					t.Errorf("%s is set by %s, and said to come from %s", s.Name, v, s.From)
				}
			}
		}
	}
}
