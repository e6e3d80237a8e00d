//go:build unix && !linux

package supervise

// These need what only Linux has.
func stray()       {}
func supervisor()  {}
func lonely()      {}
func initProcess() {}
