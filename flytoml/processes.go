package flytoml

import "slices"

// processes reads the groups: a table of commands by name or, as it once was, a
// list of tables with name and command. Anything else in such a list is nothing:
// many files have an empty one, or one with the name of the default group.
func processes(s setting) []Process {
	var all []Process
	switch {
	case s.missing():
	case s.kind == table:
		for _, group := range s.all() {
			all = append(all, process(group, group.name(s), group))
		}
	case s.kind == list:
		for _, item := range s.items {
			one := setting{item, s.key, s.notes}
			if name := one.get("name"); !name.missing() {
				all = append(all, process(one, name.text(), one.get("command")))
			}
		}
	default:
		s.wrong("want a table of commands by group, not %s", s.kind)
	}
	if len(all) == 0 {
		return []Process{{Group: defaultGroup}}
	}
	return all
}

func process(at setting, group string, cmd setting) Process {
	at.printable(group)
	if group == "" {
		at.wrong("want a name for the group")
	}
	return Process{Group: group, Command: command(cmd)}
}

// groups reads the groups that something is for; without any it is for the
// default group.
func groups(s setting, f *File) []string {
	if names := s.texts(); len(names) > 0 {
		return names
	}
	return []string{f.DefaultGroup()}
}

// known notes those groups of a service that do not exist: nobody would serve it.
func known(s setting, f *File) {
	if s.missing() || s.kind != list {
		return
	}
	for _, item := range s.items {
		one := setting{item, s.key, s.notes}
		if item.kind == text && !slices.Contains(f.groups(), item.text) {
			one.wrong("want a group of [processes] (%s), not %s", either(f.groups()), one.shown())
		}
	}
}
