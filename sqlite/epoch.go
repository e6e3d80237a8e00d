package sqlite

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"homing/position"
)

// An epoch is 8 random bytes in hexadecimal digits. It is kept in a file among
// the captured changes, so that both are lost together.

const epochLen = 16

func newEpoch() position.Epoch {
	var b [epochLen / 2]byte
	rand.Read(b[:]) // never fails
	return position.Epoch(hex.EncodeToString(b[:]))
}

func validEpoch(s string) bool {
	return len(s) == epochLen && strings.Trim(s, "0123456789abcdef") == ""
}

func epochFile(path string) string { return filepath.Join(metaDir(path), "epoch") }

// takeEpoch reads and removes the file's epoch; "" is none. It is put back
// once it is known to hold on: a crash in between then costs an epoch and not the
// truth.
func takeEpoch(path string) (position.Epoch, error) {
	b, err := os.ReadFile(epochFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if err := os.Remove(epochFile(path)); err != nil {
		return "", err
	}
	if s := strings.TrimSpace(string(b)); validEpoch(s) {
		return position.Epoch(s), syncDir(metaDir(path))
	}
	return "", nil
}

func putEpoch(path string, e position.Epoch) error {
	return writeFile(epochFile(path), []byte(string(e)+"\n"))
}

// writeFile writes all of a file or nothing, also when the power fails.
func writeFile(name string, data []byte) error {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes names created, renamed or removed in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
