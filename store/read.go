package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"go.etcd.io/bbolt"
)

// Proposal gives one proposal as of the last commit. Readers share it: it is not to be changed.
func (s *Store) Proposal(id string) (p governance.Proposal, err error) {
	n, ok := numberOf(id)
	if !ok {
		return p, fmt.Errorf("read proposal %q: %w", id, governance.ErrNotFound)
	}
	err = s.view("read proposal "+id, func(tx *bbolt.Tx) error {
		p, err = s.proposalAt(tx, numberKey(n))
		return err
	})
	return p, err
}

// Proposals gives proposals newest first, at most limit, older than before; "" starts at the newest.
func (s *Store) Proposals(before string, limit int) (list []governance.Proposal, err error) {
	last, ok := numberOf(before)
	if before != "" && !ok {
		return nil, fmt.Errorf("list proposals before %q: %w", before, governance.ErrNotFound)
	}
	err = s.view("list proposals", func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketProposals).Cursor()
		for k, v := lastBelow(c, last); k != nil && len(list) < limit; k, v = c.Prev() {
			p, err := s.memo.proposal(k, v)
			if err != nil {
				return err
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// lastBelow moves to the highest number below n, or to the highest of all when n is 0.
func lastBelow(c *bbolt.Cursor, n uint64) (k, v []byte) {
	if n == 0 {
		return c.Last()
	}
	if k, _ := c.Seek(numberKey(n)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// Watched gives every proposal that the chain can still change, oldest first; see governance.Proposal.Watched.
func (s *Store) Watched() (list []governance.Proposal, err error) {
	err = s.view("list watched proposals", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketWatched).ForEach(func(key, _ []byte) error {
			p, err := s.proposalAt(tx, key)
			list = append(list, p)
			return err
		})
	})
	return list, err
}

// LastNumber is the highest N of any proposal "P-N"; 0 when there is none. It is read off the keys, so that no counter
// can disagree with them.
func (s *Store) LastNumber() (n uint64, err error) {
	err = s.view("read last proposal number", func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket(bucketProposals).Cursor().Last()
		n = number(key)
		return nil
	})
	return n, err
}

// Events gives the events of a proposal in the order of the log; none for a proposal that does not exist.
func (s *Store) Events(proposal string) (list []governance.Recorded, err error) {
	err = s.view("read events of "+proposal, func(tx *bbolt.Tx) error {
		return eachOf(tx, bucketLogOf, proposal, func(key, _ []byte) error {
			r, err := loggedAt(tx, key[8:])
			if err != nil {
				return err
			}
			list = append(list, governance.Recorded{Seq: r.Seq, Proposal: r.Proposal, Event: r.Event})
			return nil
		})
	})
	return list, err
}

// BySafeTxHash names the youngest proposal that asks, or asked, for signatures over hash.
func (s *Store) BySafeTxHash(hash common.Hash) (proposal string, err error) {
	err = s.view("find safeTxHash "+hash.Hex(), func(tx *bbolt.Tx) error {
		n := number(tx.Bucket(bucketByHash).Get(hash[:]))
		if n == 0 {
			return governance.ErrNotFound
		}
		proposal = idOf(n)
		return nil
	})
	return proposal, err
}

// Signatures gives what owners signed for a safeTxHash, by owner.
func (s *Store) Signatures(safeTxHash common.Hash) (list []governance.Signature, err error) {
	err = s.view("read signatures of "+safeTxHash.Hex(), func(tx *bbolt.Tx) error {
		list, err = decodeAll[governance.Signature](tx.Bucket(bucketSignatures), safeTxHash[:])
		return err
	})
	return list, err
}

// Duties gives every duty not done, by Due. Duties that a restore holds back are not among them; see Held.
func (s *Store) Duties() (list []governance.Duty, err error) {
	err = s.view("read duties", func(tx *bbolt.Tx) error {
		list, err = decodeAll[governance.Duty](tx.Bucket(bucketDuties), nil)
		return err
	})
	slices.SortStableFunc(list, func(a, b governance.Duty) int { return a.Due.Compare(b.Due) })
	return list, err
}

// Inbox gives what was received and not worked off yet, by time of arrival.
func (s *Store) Inbox() (list []governance.InboxEntry, err error) {
	err = s.view("read inbox", func(tx *bbolt.Tx) error {
		list, err = decodeAll[governance.InboxEntry](tx.Bucket(bucketInbox), nil)
		return err
	})
	slices.SortStableFunc(list, func(a, b governance.InboxEntry) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return list, err
}

// Submissions gives the open ones: those that hold a relayer nonce.
func (s *Store) Submissions() (list []governance.Submission, err error) {
	err = s.view("read open submissions", func(tx *bbolt.Tx) error {
		all := tx.Bucket(bucketSubmissions)
		return tx.Bucket(bucketOpenSubmissions).ForEach(func(key, _ []byte) error {
			one, err := decode[governance.Submission](all.Get(key))
			list = append(list, one)
			return err
		})
	})
	return list, err
}

// SubmissionsOf gives every submission of a proposal, by id.
func (s *Store) SubmissionsOf(proposal string) (list []governance.Submission, err error) {
	err = s.view("read submissions of "+proposal, func(tx *bbolt.Tx) error {
		list, err = decodeOf[governance.Submission](tx, bucketSubmissions, proposal)
		return err
	})
	return list, err
}

// Messages gives where a proposal's cards stand, by place.
func (s *Store) Messages(proposal string) (list []governance.MessageRef, err error) {
	err = s.view("read messages of "+proposal, func(tx *bbolt.Tx) error {
		list, err = decodeOf[governance.MessageRef](tx, bucketMessages, proposal)
		return err
	})
	return list, err
}

// Link gives the member behind a chat account.
func (s *Store) Link(account string) (l governance.Link, err error) {
	err = s.view("read link of "+account, func(tx *bbolt.Tx) error {
		l, err = lookUp[governance.Link](tx.Bucket(bucketLinks), account)
		return err
	})
	return l, err
}

// Cursor gives how far a chain was watched.
func (s *Store) Cursor(chain string) (c governance.Cursor, err error) {
	err = s.view("read cursor of "+chain, func(tx *bbolt.Tx) error {
		c, err = lookUp[governance.Cursor](tx.Bucket(bucketCursors), chain)
		return err
	})
	return c, err
}

func (s *Store) proposalAt(tx *bbolt.Tx, key []byte) (governance.Proposal, error) {
	value := tx.Bucket(bucketProposals).Get(key)
	if value == nil {
		return governance.Proposal{}, governance.ErrNotFound
	}
	return s.memo.proposal(key, value)
}

func decodeProposal(value []byte) (governance.Proposal, error) {
	if len(value) < 8 {
		return governance.Proposal{}, fmt.Errorf("%w: a proposal of %d bytes", ErrDamaged, len(value))
	}
	return decode[governance.Proposal](value[8:])
}

func loggedAt(tx *bbolt.Tx, seq []byte) (record, error) {
	_, b, err := splitRecord(tx.Bucket(bucketLog).Get(seq))
	if err != nil {
		return record{}, fmt.Errorf("log record %d: %w", number(seq), err)
	}
	return decodeRecord(b)
}

// decode copies: nothing that it returns points into the file's memory.
func decode[T any](value []byte) (v T, err error) {
	if err := json.Unmarshal(value, &v); err != nil {
		return v, fmt.Errorf("%w: a stored %s cannot be read: %w", ErrDamaged, strings.TrimPrefix(fmt.Sprintf("%T", v), "governance."), err)
	}
	return v, nil
}

func lookUp[T any](b *bbolt.Bucket, key string) (v T, err error) {
	value := b.Get([]byte(key))
	if value == nil {
		return v, governance.ErrNotFound
	}
	return decode[T](value)
}

func decodeOf[T any](tx *bbolt.Tx, bucket []byte, proposal string) ([]T, error) {
	n, ok := numberOf(proposal)
	if !ok {
		return nil, nil
	}
	return decodeAll[T](tx.Bucket(bucket), numberKey(n))
}

func decodeAll[T any](b *bbolt.Bucket, prefix []byte) (list []T, err error) {
	err = eachUnder(b, prefix, func(_, value []byte) error {
		v, err := decode[T](value)
		list = append(list, v)
		return err
	})
	return list, err
}

// eachOf visits the keys that belong to a proposal.
func eachOf(tx *bbolt.Tx, bucket []byte, proposal string, visit func(key, value []byte) error) error {
	n, ok := numberOf(proposal)
	if !ok {
		return nil
	}
	return eachUnder(tx.Bucket(bucket), numberKey(n), visit)
}

// eachUnder visits keys with a prefix in their order.
func eachUnder(b *bbolt.Bucket, prefix []byte, visit func(key, value []byte) error) error {
	c := b.Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if err := visit(k, v); err != nil {
			return err
		}
	}
	return nil
}
