package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestAFinishedFileNeverReplacesAnother: also where the file system knows no links, and also when the other came meanwhile.
func TestAFinishedFileNeverReplacesAnother(t *testing.T) {
	for name, move := range map[string]func(temp, path string) error{"linked": moveIntoPlace, "renamed": renameToNew} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "backup.db")
			first, err := tempWith(path, "first")
			must(t, err)
			must(t, move(first, path))
			second, err := tempWith(path, "second")
			must(t, err)
			wantError(t, move(second, path), fs.ErrExist)
			content, err := os.ReadFile(path)
			must(t, err)
			same(t, string(content), "first")
			_, err = os.Lstat(first)
			wantError(t, err, fs.ErrNotExist)
		})
	}
}

func tempWith(beside, content string) (string, error) {
	f, err := tempBeside(beside)
	if err != nil {
		return "", err
	}
	if _, err := f.WriteString(content); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

func TestAFolderThatIsGoneIsTold(t *testing.T) {
	wantError(t, syncDir(filepath.Join(t.TempDir(), "gone")), fs.ErrNotExist)
}

func TestAFirstStartCopiesNothing(t *testing.T) {
	cfg := testConfig(t)
	must(t, openStore(t, cfg).Close())
	made, err := filepath.Glob(filepath.Join(filepath.Dir(cfg.Path), "*"))
	must(t, err)
	same(t, made, []string{cfg.Path, cfg.LogKeyFile})
}
