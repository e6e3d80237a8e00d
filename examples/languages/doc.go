// Package languages tests the examples that are not in Go, as they would be deployed:
// each by the command of its Dockerfile, with the environment of its fly.toml, on a real
// PostgreSQL; and by "homing dev", in their own folders.
package languages
