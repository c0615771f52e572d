package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tempBeside makes a new, private file in the folder of path, so that it can be renamed to path.
func tempBeside(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // mode 0600
}

// writeTemp puts content on the disk under a temporary name beside path.
func writeTemp(path string, content []byte) (temp string, err error) {
	f, err := tempBeside(path)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// moveIntoPlace gives a finished temporary file its name and makes the name durable. It fails with fs.ErrExist rather
// than replace anything, and removes the temporary file in every case.
func moveIntoPlace(temp, path string) error {
	err := os.Link(temp, path) // unlike a rename, a link never replaces
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = renameToNew(temp, path) // a file system without links
	}
	if rm := os.Remove(temp); err == nil && rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = rm
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func renameToNew(temp, path string) error {
	if err := refuseExisting(path); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// refuseExisting fails with fs.ErrExist when there is anything at path.
func refuseExisting(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir makes names in a folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the folder of a file that we just wrote
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
