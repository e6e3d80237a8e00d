package supervise

// process is one of the system's.
type process struct {
	pid, parent, group int
	start              uint64 // tells it from a later one with its number
	zombie             bool
}

func (p process) isOneOf(others []process) bool {
	for _, o := range others {
		if o.pid == p.pid && o.start == p.start {
			return true
		}
	}
	return false
}

// descendants returns the children of pid, their children and so on.
func descendants(all []process, pid int) (found []process) {
	children := make(map[int][]process)
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	for open := []int{pid}; len(open) > 0; open = open[1:] {
		next := children[open[0]]
		delete(children, open[0])
		for _, p := range next {
			found, open = append(found, p), append(open, p.pid)
		}
	}
	return found
}
