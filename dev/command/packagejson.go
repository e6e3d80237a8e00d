package command

import (
	"encoding/json"
	"fmt"
)

// packageJSON takes the script "dev", or else "start".
func (f finder) packageJSON() (Found, error) {
	const name = "package.json"
	text, ok, err := f.read(name)
	if !ok {
		return Found{}, err
	}
	var pkg struct {
		Scripts map[string]json.RawMessage `json:"scripts"`
	}
	if err := json.Unmarshal([]byte(text), &pkg); err != nil {
		return Found{}, fmt.Errorf("%s: %w", name, err)
	}
	for _, script := range []string{"dev", "start"} {
		if _, ok := pkg.Scripts[script]; ok {
			return Found{Web: Command{Args: []string{f.packageManager(), "run", script}, From: name}}, nil
		}
	}
	return Found{}, nil
}

// packageManager is the one whose lock file is there.
func (f finder) packageManager() string {
	for _, m := range [][2]string{
		{"pnpm-lock.yaml", "pnpm"}, {"yarn.lock", "yarn"}, {"bun.lock", "bun"}, {"bun.lockb", "bun"},
	} {
		if f.exists(m[0]) {
			return m[1]
		}
	}
	return "npm"
}
