package main

import (
	"errors"
	"strings"
)

// prefixes are of packages; before them stands the command's name.
var prefixes = []string{"homing: ", "sidecar: ", "supervise: "}

// oneLine is an error in a line, with what [errors.Join] put on lines of their own
// behind each other, and without the packages' names.
func oneLine(err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		for _, p := range prefixes {
			lines[i] = strings.TrimPrefix(lines[i], p)
		}
	}
	return errors.New(strings.Join(lines, "; "))
}
