package store

import (
	"path/filepath"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"go.etcd.io/bbolt"
)

func acceptedSet() governance.Accepted {
	return governance.Accepted{Manifest: common.Hash{1}, Require: 2, At: day, FirstUse: true, Forgotten: common.Hash{2}, ForgotAt: day.AddDate(0, 0, -1),
		Wallets: []governance.AcceptedWallet{{Wallet: common.Address{3}, Member: "alice", New: true, Signed: true}, {Wallet: common.Address{4}, Member: "bob"}}}
}

// TestTheAcceptedConfigurationOutlivesARestart, a backup and a restore.
func TestTheAcceptedConfigurationOutlivesARestart(t *testing.T) {
	cfg := testConfig(t)
	s := openStore(t, cfg)
	got, err := s.Accepted()
	must(t, err)
	same(t, got, governance.Accepted{})
	must(t, s.Accept(t.Context(), governance.Accepted{Manifest: common.Hash{9}, Require: 1}))
	must(t, s.Accept(t.Context(), acceptedSet()))
	backup := filepath.Join(t.TempDir(), "backup.db")
	must(t, s.Backup(t.Context(), backup))
	must(t, s.Close())
	got, err = openStore(t, cfg).Accepted()
	must(t, err)
	same(t, got, acceptedSet())

	cfg.Path = filepath.Join(t.TempDir(), "restored.db")
	_, err = Restore(t.Context(), backup, cfg.Path)
	must(t, err)
	got, err = openStore(t, cfg).Accepted()
	must(t, err)
	same(t, got, acceptedSet())
}

// TestAnUnreadableAcceptedConfigurationIsNoFirstUse: else whoever flips a bit has any set accepted.
func TestAnUnreadableAcceptedConfigurationIsNoFirstUse(t *testing.T) {
	cfg := testConfig(t)
	s := openStore(t, cfg)
	must(t, s.Accept(t.Context(), acceptedSet()))
	must(t, s.Close())
	edit(t, cfg.Path, func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(metaAccepted, []byte("{")) })
	_, err := openStore(t, cfg).Accepted()
	wantError(t, err, ErrDamaged)
}

func TestAReaderAcceptsNothing(t *testing.T) {
	cfg := testConfig(t)
	must(t, openStore(t, cfg).Close())
	s, err := OpenReadOnly(cfg)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	wantError(t, s.Accept(t.Context(), acceptedSet()), ErrReadOnly)
}
