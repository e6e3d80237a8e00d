package wire

// Names is a set of field names that is asked of every field of every message. Create it
// with [NewNames]; the zero value is empty. Safe for concurrent use.
type Names struct {
	// By length, which first letters there are: most names are told apart by these.
	firsts [maxName + 1]uint32
	names  [maxName + 1][]string
}

// maxName is the length of the longest name that a set can hold.
const maxName = 39

// NewNames returns the set of some names, of at most 39 letters. It panics on others,
// which are a mistake in the program.
func NewNames(names ...string) *Names {
	set := new(Names)
	for _, name := range names {
		if len(name) == 0 || len(name) > maxName {
			panic("wire: a set cannot hold the name " + name)
		}
		set.firsts[len(name)] |= 1 << (name[0] & 31)
		set.names[len(name)] = append(set.names[len(name)], name)
	}
	return set
}

// Has reports whether a name is in the set, without regard to ASCII case.
func (set *Names) Has(name string) bool {
	n := len(name)
	if n == 0 || n > maxName || set.firsts[n]>>(name[0]&31)&1 == 0 {
		return false
	}
	for _, one := range set.names[n] {
		if sameFold(one, name) {
			return true
		}
	}
	return false
}
