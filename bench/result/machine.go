package result

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is the kind of machine that something was measured on. What cannot be found
// out is empty or 0.
type Machine struct {
	CPU    string `json:"cpu"` // its model
	Cores  int    `json:"cores"`
	System string `json:"system"` // operating system and architecture, as Go calls them
	Kernel string `json:"kernel,omitempty"`
	Memory int64  `json:"memory,omitempty"` // bytes
	// Load is the load average of the last minute, which tells of other work, too.
	Load float64 `json:"load,omitempty"`
}

// ThisMachine describes the machine that this runs on.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.CPU = field("/proc/cpuinfo", "model name")
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel, _, _ = strings.Cut(strings.TrimSpace(string(kernel)), "-") // what follows is a builder's
	}
	kilobytes, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.ParseInt(kilobytes, 10, 64); err == nil {
		m.Memory = n << 10
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(load), &m.Load) // stays 0 if it is written in another way
	}
	return m
}

// field returns the first value of a name in a file of lines "name: value".
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// String is the machine in a line.
func (m Machine) String() string {
	parts := []string{fmt.Sprintf("%d cores", m.Cores)}
	if m.CPU != "" {
		parts[0] += " of " + m.CPU
	}
	if m.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GiB of memory", float64(m.Memory)/(1<<30)))
	}
	system := m.System
	if m.Kernel != "" {
		system += " " + m.Kernel
	}
	parts = append(parts, system)
	if m.Load > 0 {
		parts = append(parts, fmt.Sprintf("load average %.1f", m.Load))
	}
	return strings.Join(parts, ", ")
}

func goVersion() Version {
	return Version{"Go", strings.TrimPrefix(runtime.Version(), "go")}
}

// versions is a line of them.
func (r *Result) versions() string {
	var all []string
	for _, v := range r.Versions {
		all = append(all, v.Name+" "+v.Version)
	}
	return strings.Join(all, ", ")
}
