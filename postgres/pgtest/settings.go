package pgtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// hba is who may connect. The superuser's password goes over loopback as it is,
// which saves each connection the milliseconds that SCRAM takes on purpose.
const hba = `host all,replication postgres 127.0.0.1/32 password
host all all 127.0.0.1/32 scram-sha-256
`

// settings are those of every server.
func (w *workshop) settings() map[string]string {
	s := map[string]string{
		// Little memory, few processes, nothing made sure on a disk.
		"fsync": "off", "full_page_writes": "off", "shared_buffers": "8MB", "autovacuum": "off", "jit": "off",
		// A standby refuses to start with less of these than its primary.
		"max_connections": "50", "max_wal_senders": "12",
		"wal_level": "replica", "wal_keep_size": "64MB", "password_encryption": "scram-sha-256",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "",
		// Shared memory in the data folder, which goes with it when a server is killed.
		"dynamic_shared_memory_type": "mmap",
		// A standby asks again soon, and stands any time of being held.
		"wal_retrieve_retry_interval": "50ms", "wal_receiver_timeout": "0", "wal_sender_timeout": "0",
		"log_checkpoints": "off", "max_logical_replication_workers": "0",
	}
	if w.version.atLeast(version{18, 0}) {
		s["io_method"] = "sync" // else three more processes each
	}
	return s
}

func settingsText(settings map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return b.String()
}

// connInfo is how PostgreSQL's own programs come in as the superuser. The password
// is in a file: everybody can read a command line.
func (w *workshop) connInfo(port int) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s passfile='%s' sslmode=disable gssencmode=disable", port, w.superuser.name, w.passFile())
}
