// Package examples shows Homing in the stacks that teams have; see README.md.
package examples
