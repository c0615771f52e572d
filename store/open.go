package store

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// LockedError says which file another process holds, and who that is as far as it left a note.
type LockedError struct {
	Path   string
	Holder *Holder // nil when there is no note
}

// Holder is the note that a running coordinator leaves beside its store.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

func (e *LockedError) Error() string {
	who := "a process that left no note"
	if e.Holder != nil {
		who = fmt.Sprintf("process %d on %s since %s", e.Holder.PID, e.Holder.Host, e.Holder.Started.Format(time.RFC3339))
	}
	return fmt.Sprintf("%v: %s is held by %s; use the running one, or stop it first", ErrLocked, e.Path, who)
}

// Unwrap makes it ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

func holderPath(path string) string { return path + ".holder" }

// noteHolder tells later starts who holds the file. The lock is the truth, this is a courtesy: errors do not matter.
func noteHolder(path string) {
	host, _ := os.Hostname()
	note, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		_ = os.WriteFile(holderPath(path), note, 0o600)
	}
}

func forgetHolder(path string) { _ = os.Remove(holderPath(path)) }

// holderIsNoted tells, once the lock is ours, that the last holder did not close the store.
func holderIsNoted(path string) bool {
	_, err := os.Stat(holderPath(path))
	return err == nil
}

func lockedError(path string) error {
	e := &LockedError{Path: path}
	if note, err := os.ReadFile(holderPath(path)); err == nil {
		var h Holder
		if json.Unmarshal(note, &h) == nil && h.PID != 0 {
			e.Holder = &h
		}
	}
	return e
}

// openForWriting locks and maps the file, and makes an empty one at the first start. A file that is there is opened for
// reading first, because opening a broken one for writing panics or faults before a word about it can be said.
func openForWriting(path string) (*bbolt.DB, error) {
	reading, err := openForReading(path)
	switch {
	case err == nil:
		if err := guarded(reading.Close); err != nil {
			return nil, err
		}
		return openBolt(path, false)
	case errors.Is(err, fs.ErrNotExist):
		return makeFile(path)
	default:
		return nil, err
	}
}

func makeFile(path string) (*bbolt.DB, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	db, err := openBolt(path, false)
	if err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openForReading also looks whether the file is whole. Opening for reading touches its root pages only.
func openForReading(path string) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := longEnough(path, info.Size()); err != nil {
		return nil, err
	}
	db, err := openBolt(path, true)
	if err != nil {
		return nil, err
	}
	if err := isWhole(db, path); err != nil {
		return nil, errors.Join(err, guarded(db.Close))
	}
	return db, nil
}

// longEnough refuses what no bbolt file is; bbolt itself would make a new store of an empty one. It writes four pages first.
func longEnough(path string, size int64) error {
	switch {
	case size == 0:
		return fmt.Errorf("%w: %s is empty; restore a backup, or remove it if this was to be a first start", ErrDamaged, path)
	case size < 4*4096:
		return fmt.Errorf("%w: %s has only %d bytes; restore a backup, or remove it if this was to be a first start", ErrDamaged, path, size)
	}
	return nil
}

// openBolt opens a file. Should bbolt panic over a page on the way, the file's lock stays with this process until it ends.
func openBolt(path string, readOnly bool) (db *bbolt.DB, err error) {
	err = guarded(func() error {
		db, err = bbolt.Open(path, 0o600, boltOptions(readOnly))
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, lockedError(path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, bolterrors.ErrInvalidMapping):
		return nil, fmt.Errorf("%w: %s is not a bbolt file that can be read: %w", ErrDamaged, path, err)
	default:
		return nil, err
	}
}

// isWhole compares the file's size with the pages that its root speaks of, because touching a page that was cut off is a
// fault of the memory map.
func isWhole(db *bbolt.DB, path string) error {
	return guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if info.Size() < tx.Size() {
				return fmt.Errorf("%w: %s was cut off at %d of %d bytes; restore the last backup", ErrDamaged, path, info.Size(), tx.Size())
			}
			return nil
		})
	})
}

// presentSchema refuses every file that this program does not read as it is.
func presentSchema(tx *bbolt.Tx) error {
	version, err := schemaOf(tx)
	switch {
	case err != nil:
		return err
	case version > uint64(len(migrations)):
		return newerError(version, len(migrations))
	case version == 0:
		return errors.New("nothing was ever written to it; start `belay serve` once")
	case version < uint64(len(migrations)):
		return fmt.Errorf("it has schema %d of %d; start `belay serve` once to bring it forward", version, len(migrations))
	}
	return nil
}

func newerError(version uint64, known int) error {
	return fmt.Errorf("%w: schema %d, this program knows %d; install the newer program, or restore a backup of before", ErrNewer, version, known)
}

// bringForward runs the migrations that the file lacks, in one transaction, after a copy to path.before-vN.
func bringForward(db *bbolt.DB, path string, steps []migration) error {
	var version uint64
	err := db.View(func(tx *bbolt.Tx) (err error) {
		version, err = schemaOf(tx)
		return err
	})
	switch latest := uint64(len(steps)); {
	case err != nil:
		return err
	case version > latest:
		return newerError(version, len(steps))
	case version == latest:
		return nil
	case version > 0:
		if err := copyFile(db, fmt.Sprintf("%s.before-v%d", path, latest)); err != nil {
			return fmt.Errorf("copy the file before its migration: %w", err)
		}
	}
	return db.Update(func(tx *bbolt.Tx) error { return migrate(tx, version, steps) })
}

// copyFile keeps the file as it is now, in place of the copy that an earlier, failed try may have left.
func copyFile(db *bbolt.DB, to string) error {
	temp, err := tempBeside(to)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(temp)
		return err
	})
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	if err := os.Rename(temp.Name(), to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// settleHead makes sure, in a time that does not depend on the log's length, that the log ends where its signed head says
// and that the log key is the one that signed it. The first start and the first after a restore sign a head of their own.
func (s *Store) settleHead() error {
	var unsigned *Head
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		unsigned, err = s.headToSign(tx)
		return err
	})
	if err != nil || unsigned == nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(bucketMeta).Put(metaLogKey, s.publicKey); err != nil {
			return err
		}
		return putHead(tx, unsigned.signedBy(s.key))
	})
}

// headToSign is the first head of an epoch; nil when the file has the head that it should.
func (s *Store) headToSign(tx *bbolt.Tx) (*Head, error) {
	meta := tx.Bucket(bucketMeta)
	if last, _ := tx.Bucket(bucketLog).Cursor().Last(); last == nil && meta.Get(metaHead) == nil {
		return &Head{Epoch: 1}, nil
	}
	pub, err := storedLogKey(tx)
	if err != nil {
		return nil, err
	}
	if err := headEndsLog(tx, pub); err != nil {
		return nil, err
	}
	head, err := storedHead(tx)
	if err != nil {
		return nil, err
	}
	if epoch := number(meta.Get(metaEpoch)); head.Epoch != epoch { // headEndsLog: only after a restore
		head.Epoch = epoch
		return &head, nil
	}
	if !s.publicKey.Equal(pub) {
		return nil, fmt.Errorf("the log key is %s, but %s signed this log: put the old key file back, "+
			"or start a new epoch with `belay backup` and `belay restore`", keyText(s.publicKey), keyText(pub))
	}
	return nil, nil
}

func storedLogKey(tx *bbolt.Tx) (ed25519.PublicKey, error) {
	pub := tx.Bucket(bucketMeta).Get(metaLogKey)
	if len(pub) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: the log key's public half is gone", ErrDamaged)
	}
	return append(ed25519.PublicKey(nil), pub...), nil
}
