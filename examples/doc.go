// Package examples shows Homing in the stacks that Go teams have; see README.md.
package examples
