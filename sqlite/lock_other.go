//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sqlite

import "os"

// isLocked is for systems whose locks the standard library does not have: there,
// opening a file twice goes unnoticed.
func isLocked(*os.File) bool { return false }
