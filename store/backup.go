package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Backup writes a verified copy of the store beside running commits. It is written under a temporary name, brought to the
// disk, opened and checked as a store of its own, and only then given its name. It never replaces a file.
func (s *Store) Backup(ctx context.Context, file string) error {
	if err := refuseExisting(file); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	temp, err := tempBeside(file)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	err = s.view("copy", func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(&calledOff{ctx, temp})
		return errors.Join(context.Cause(ctx), err) // bbolt does not wrap what the writer said
	})
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		_, err = inspect(ctx, temp.Name())
	}
	if err == nil {
		err = moveIntoPlace(temp.Name(), file)
	} else {
		err = errors.Join(err, os.Remove(temp.Name()))
	}
	if err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	return nil
}

// calledOff lets a context end a long copy.
type calledOff struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	w   io.Writer
}

func (c *calledOff) Write(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.w.Write(b)
}

// inspect checks a file that nobody has open, as far as this program knows its schema.
func inspect(ctx context.Context, path string) (report Report, err error) {
	db, err := openForReading(path)
	if err != nil {
		return report, err
	}
	err = guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			report, err = inspectFile(ctx, tx)
			return err
		})
	})
	return report, errors.Join(err, guarded(db.Close))
}

func inspectFile(ctx context.Context, tx *bbolt.Tx) (report Report, err error) {
	version, err := schemaOf(tx)
	switch {
	case err != nil:
		return report, err
	case version == 0:
		return report, errors.New("it is an empty bbolt file, not a store")
	case version > uint64(len(migrations)):
		return report, newerError(version, len(migrations))
	}
	if err := verifyPages(ctx, tx); err != nil {
		return report, err
	}
	key, err := storedLogKey(tx)
	if err != nil {
		return report, err
	}
	report, err = verifyLog(ctx, tx, key)
	if version == uint64(len(migrations)) {
		err = errors.Join(err, verifyStates(ctx, tx))
	}
	return report, err
}

// restored is the note that a restore leaves in the store.
type restored struct {
	Seq    uint64    `json:"seq"` // where the log of the backup ended
	At     time.Time `json:"at,omitzero"`
	Epoch  uint64    `json:"epoch"`  // that the restore started
	Duties int       `json:"duties"` // held back
}

// Restore makes a store at path out of a backup, after verifying it. It never replaces a store. The restored one starts a
// new epoch, and the duties that it had are held: since the backup was made they may have been done, so they wait until
// someone has compared chain and chat and calls ReleaseHold. New duties, a pause above all, are not held. The report is
// that of the backup.
func Restore(ctx context.Context, backupFile, path string) (Report, error) {
	report, err := restore(ctx, backupFile, path)
	if err != nil {
		return report, fmt.Errorf("restore %s to %s: %w", backupFile, path, err)
	}
	return report, nil
}

func restore(ctx context.Context, backupFile, path string) (report Report, err error) {
	if err := refuseExisting(path); err != nil {
		return report, err
	}
	temp, err := copyToTemp(ctx, backupFile, path)
	if err != nil {
		return report, err
	}
	report, err = inspect(ctx, temp)
	if err == nil {
		err = startEpoch(temp)
	}
	if err != nil {
		return report, errors.Join(err, os.Remove(temp))
	}
	return report, moveIntoPlace(temp, path)
}

// copyToTemp copies a backup to a temporary file beside path, which is what gets verified and used.
func copyToTemp(ctx context.Context, backupFile, path string) (string, error) {
	from, err := os.Open(backupFile) //nolint:gosec // the operator names it
	if err != nil {
		return "", err
	}
	defer func() { _ = from.Close() }()
	temp, err := tempBeside(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(&calledOff{ctx, temp}, from)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}

// startEpoch turns a verified copy into the store of a new epoch.
func startEpoch(path string) error {
	db, err := openForWriting(path)
	if err != nil {
		return err
	}
	err = guarded(func() error { return db.Update(holdOutbox) })
	return errors.Join(err, guarded(db.Close))
}

func holdOutbox(tx *bbolt.Tx) error {
	head, err := storedHead(tx)
	if err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	note := restored{Seq: head.Seq, At: head.At, Epoch: number(meta.Get(metaEpoch)) + 1}
	if note.Duties, err = moveAll(tx.Bucket(bucketDuties), tx.Bucket(bucketHeld)); err != nil {
		return err
	}
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return errors.Join(putNumber(meta, metaEpoch, note.Epoch), meta.Delete(metaLeads), meta.Put(metaRestored, b))
}

// moveAll moves every key to a bucket, except those that the bucket has, and tells how many there were.
func moveAll(from, to *bbolt.Bucket) (moved int, err error) {
	c := from.Cursor()
	for k, v := c.First(); k != nil; k, v = c.First() {
		moved++
		if to.Get(k) == nil {
			if err := to.Put(k, bytes.Clone(v)); err != nil {
				return moved, err
			}
		}
		if err := from.Delete(k); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// Held reports whether duties from before a restore are held back, and says since when. What cannot be read counts as held.
func (s *Store) Held() (held bool, reason string) {
	err := s.view("read whether the outbox is held", func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketMeta).Get(metaRestored)
		if value == nil {
			return nil
		}
		held = true
		note, err := decode[restored](value)
		reason = fmt.Sprintf("restored from a backup that ends at log record %d of %s; the %d duties that were open then are held "+
			"until someone has compared them with chain and chat", note.Seq, note.At.Format(time.RFC3339), note.Duties)
		return err
	})
	if err != nil {
		return true, err.Error()
	}
	return held, reason
}

// ReleaseHold gives the held duties back to the outbox. Without a hold it does nothing.
func (s *Store) ReleaseHold(ctx context.Context) error {
	return s.update(ctx, "release the held outbox", func(tx *bbolt.Tx) error {
		if _, err := moveAll(tx.Bucket(bucketHeld), tx.Bucket(bucketDuties)); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Delete(metaRestored)
	})
}
