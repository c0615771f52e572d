package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWhatInitWritesCanBeReadByTheService, which runs as a user of its own, whatever the umask of the one who ran init. Secrets are for
// nobody else.
func TestWhatInitWritesCanBeReadByTheService(t *testing.T) {
	stack := startStack(t)
	for _, mask := range []int{0o022, 0o027, 0o077, 0o000} {
		top := t.TempDir()
		dir := filepath.Join(top, "etc", "belay")
		before := syscall.Umask(mask)
		t.Cleanup(func() { syscall.Umask(before) })
		b := begun(t, "--rpc", stack.Chain.URL(), "--safe", stack.Guardian.Hex(), "--dir", dir, "--relayer-key")
		syscall.Umask(before)
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == top {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o644)
			if d.IsDir() {
				want = 0o755
			}
			if strings.HasPrefix(path, filepath.Join(dir, "secrets")) {
				want &= 0o700
			}
			if info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s has mode %o, want %o", mask, path, info.Mode().Perm(), want)
			}
			return nil
		})
		if err != nil || len(b.Files) == 0 {
			t.Errorf("umask %03o: wrote %v: %v", mask, b.Files, err)
		}
	}
}

// TestInitLeavesADirectoryAsItIs that somebody made before.
func TestInitLeavesADirectoryAsItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "belay")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(filepath.Join(dir, "playbooks"), 0o755); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it has mode %o now: %v", info.Mode().Perm(), err)
	}
}
