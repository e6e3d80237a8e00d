package pgtest

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// attributes has a program run as the user, apart from the terminal's signals,
// and get a signal, if not 0, when the thread that started it ends.
func attributes(as user, atEnd syscall.Signal) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: atEnd}
	if as.other {
		a.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	return a
}

// removeSharedMemory removes what a killed server has left in the kernel. Its
// number is in the file that the server left too.
func removeSharedMemory(postmasterPID string) {
	text, err := os.ReadFile(postmasterPID)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) < 7 {
		return
	}
	_, id, _ := strings.Cut(strings.Join(strings.Fields(lines[6]), " "), " ")
	if n, err := strconv.Atoi(id); err == nil {
		const remove = 0 // IPC_RMID
		syscall.Syscall(syscall.SYS_SHMCTL, uintptr(n), remove, 0)
	}
}

// memoryFolder is where files are kept in memory, if there is room for some
// clusters. A container often has 64 MB there.
func memoryFolder() string {
	const shm, room = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(shm, &fs); err != nil || int64(fs.Bavail)*int64(fs.Bsize) < room {
		return ""
	}
	return shm
}
