package supervise

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ports asks the kernel: which sockets listen, and which of them are open in the
// process, its descendants, or its group.
func (r *running) ports() ([]uint16, error) {
	listening := map[string]uint16{} // by inode, as text
	for _, table := range []string{"tcp", "tcp6"} {
		if err := readListening(filepath.Join("/proc", strconv.Itoa(r.pid()), "net", table), listening); err != nil && table == "tcp" {
			return nil, fmt.Errorf("supervise: the ports that the app listens on: %w", err)
		}
	}
	found := []uint16{}
	for _, pid := range r.family() {
		for _, inode := range sockets(pid) {
			if port, ok := listening[inode]; ok {
				found = append(found, port)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func (r *running) family() []int {
	all := processes()
	pids := []int{r.pid()}
	for _, p := range descendants(all, r.pid()) {
		pids = append(pids, p.pid)
	}
	for _, p := range all {
		if p.group == r.group.id {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// readListening adds the sockets of a table that listen (proc_pid_net(5)): the second
// field ends in the port in hexadecimal, the fourth is the state, the tenth the inode.
func readListening(table string, into map[string]uint16) error {
	f, err := os.Open(table)
	if err != nil {
		return err
	}
	defer f.Close()
	const listens = "0A"
	in := bufio.NewScanner(f)
	for in.Scan() {
		fields := strings.Fields(in.Text())
		if len(fields) < 10 || fields[3] != listens {
			continue
		}
		hex := fields[1][strings.LastIndexByte(fields[1], ':')+1:]
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
			into[fields[9]] = uint16(port)
		}
	}
	return in.Err()
}

// sockets returns the inodes of the sockets that a process has open.
func sockets(pid int) (inodes []string) {
	links, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	for _, link := range links {
		at, _ := os.Readlink(link) // it may have been closed since
		if inode, ok := strings.CutPrefix(at, "socket:["); ok {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}
