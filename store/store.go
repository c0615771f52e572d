package store

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Config says where a store lives.
type Config struct {
	// Path of the bbolt file. It is made at the first start, with mode 0600.
	Path string
	// LogKeyFile holds the Ed25519 key of the log. Open makes it, with mode 0600; OpenReadOnly does without when it is
	// missing or "", and then cannot seal exports.
	LogKeyFile string
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Path == "" {
		return errors.New("store.path is missing")
	}
	return nil
}

// What opening and committing can fail with, besides the errors of package governance.
var (
	ErrLocked   = errors.New("another process holds the store") // details in LockedError
	ErrNewer    = errors.New("the store was written by a newer belay")
	ErrDamaged  = errors.New("the store is damaged")
	ErrClosed   = errors.New("the store is closed")
	ErrReadOnly = errors.New("the store is open for reading only")
	ErrTooLarge = errors.New("too large for one commit")
	ErrInvalid  = errors.New("not a valid record")
)

// Store is an open file. All methods may be called from any goroutine.
type Store struct {
	db        *bbolt.DB
	path      string
	publicKey ed25519.PublicKey
	key       logKey // nil when read-only and without the key file
	readOnly  bool
	unclean   bool

	fence atomic.Uint64 // of the present lead; 0 before the first
	lead  lead
	memo  memo

	turn     chan struct{} // holds a token while someone writes
	lastHead knownHead     // touched only with the turn
	queue    chan *request // to who writes next; never buffered, so that nothing can be left in it
	stop     chan struct{} // closed by Close
	closing  sync.Once
	broken   atomic.Pointer[error] // why the disk is not trusted any more
}

// Open opens the store for its one coordinator, makes it at the first start, and brings an older file forward. It fails with
// ErrLocked (as *LockedError), ErrNewer or ErrDamaged.
func Open(cfg Config) (*Store, error) { return open(cfg, migrations) }

func open(cfg Config, steps []migration) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.LogKeyFile == "" {
		return nil, errors.New("store.log_key_file is missing")
	}
	db, err := openForWriting(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: db, path: cfg.Path, unclean: holderIsNoted(cfg.Path),
		turn: make(chan struct{}, 1), queue: make(chan *request), stop: make(chan struct{})}
	if err := guarded(func() error { return s.prepare(cfg, steps) }); err != nil {
		return nil, fmt.Errorf("open store %s: %w", cfg.Path, errors.Join(err, db.Close()))
	}
	noteHolder(cfg.Path)
	return s, nil
}

// prepare brings the file to the present schema, then makes sure that log, head and log key belong together.
func (s *Store) prepare(cfg Config, steps []migration) error {
	if err := bringForward(s.db, s.path, steps); err != nil {
		return err
	}
	key, err := loadOrMakeLogKey(cfg.LogKeyFile)
	if err != nil {
		return err
	}
	s.key, s.publicKey = key, key.public()
	return s.settleHead()
}

// OpenReadOnly opens a stopped store, for commands that only look. It changes nothing, fails with ErrLocked while a
// coordinator runs on the file, and shares it with other readers.
func OpenReadOnly(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	db, err := openForReading(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open store for reading: %w", err)
	}
	s := &Store{db: db, path: cfg.Path, readOnly: true, unclean: holderIsNoted(cfg.Path),
		turn: make(chan struct{}, 1), stop: make(chan struct{})}
	if err := guarded(func() error { return s.lookOver(cfg) }); err != nil {
		return nil, fmt.Errorf("open store %s for reading: %w", cfg.Path, errors.Join(err, db.Close()))
	}
	return s, nil
}

// lookOver is what prepare is, without changing anything.
func (s *Store) lookOver(cfg Config) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if err := presentSchema(tx); err != nil {
			return err
		}
		pub, err := storedLogKey(tx)
		if err != nil {
			return err
		}
		s.publicKey = pub
		if err := headEndsLog(tx, pub); err != nil {
			return err
		}
		key, err := loadLogKey(cfg.LogKeyFile)
		switch {
		case cfg.LogKeyFile == "" || errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			return err
		case key.public().Equal(pub):
			s.key = key
		}
		return nil
	})
}

// Unclean reports whether the last holder went without closing the store: a reason to run Check.
func (s *Store) Unclean() bool { return s.unclean }

// Close ends the lead, lets the writer answer what it has begun, and gives the file free. It waits for running reads.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.stop)
		s.lead.end(ErrClosed)
		s.turn <- struct{}{} // kept: nobody writes any more
		broken := s.whyBroken()
		if !s.readOnly && broken == nil {
			forgetHolder(s.path) // else the next start finds the note, and has a reason to check
		}
		if errors.Is(broken, ErrDamaged) {
			return // a panic may have left bbolt's own lock behind; the file is free when the process ends
		}
		err = guarded(s.db.Close)
	})
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// view runs one read transaction.
func (s *Store) view(action string, read func(*bbolt.Tx) error) error {
	err := guarded(func() error { return s.db.View(read) })
	return wrapped(action, err)
}

// update runs one write transaction beside the writer: for the few changes that are no Records.
func (s *Store) update(ctx context.Context, action string, write func(*bbolt.Tx) error) error {
	if s.readOnly {
		return wrapped(action, ErrReadOnly)
	}
	if err := errors.Join(ctx.Err(), s.whyBroken()); err != nil {
		return wrapped(action, err)
	}
	return wrapped(action, guarded(func() error { return s.db.Update(write) }))
}

func (s *Store) whyBroken() error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return nil
}

func wrapped(action string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return fmt.Errorf("%s: %w", action, ErrClosed)
	default:
		return fmt.Errorf("%s: %w", action, err)
	}
}

// guarded turns a panic into ErrDamaged. bbolt panics on pages that make no sense, and the memory map faults where a
// file was cut off; neither may take the process down while someone needs it to pause a protocol.
func guarded(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v; stop belay, keep the file, and restore the last backup", ErrDamaged, cause)
		}
	}()
	return work()
}

// boltOptions are the same for every way to open a file.
func boltOptions(readOnly bool) *bbolt.Options {
	return &bbolt.Options{
		Timeout:  time.Second, // without it a second start waits for ever
		ReadOnly: readOnly,
		// The array freelist degrades on fragmented files. It stays synced, because rebuilding it at open takes 0.1 to 2.6 s
		// on files of 0.3 to 1.4 GB.
		FreelistType: bbolt.FreelistMapType,
		// Growing the map waits for every reader: without room a commit would wait for a running backup. Address space is free.
		InitialMmapSize: 1 << 30,
	}
}
