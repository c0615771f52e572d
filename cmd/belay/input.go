package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

// load gives the transaction that flags and file describe together.
func (in *hashInput) load(file string) (safe.Domain, safe.Tx, error) {
	if file == "" {
		return in.parse()
	}
	text, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	d, t, err := in.read(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return d, t, err
}

// fileKind is what a file describes a transaction by.
type fileKind int

const (
	fileOfFields fileKind = iota
	fileOfProposal
	fileOfTypedData
	fileOfBatch
)

// kindOf tells the four kinds of file apart by their members. One that has marks of two could be read as two transactions, and is
// refused. Maps are used, never structs: encoding/json would take a member "TO" for "to".
func kindOf(text []byte) (kind fileKind, members map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(text, &members); err != nil {
		return kind, nil, err
	}
	marks := 0
	for name, of := range map[string]fileKind{"safe_tx": fileOfProposal, "primaryType": fileOfTypedData} {
		if members[name] != nil {
			kind, marks = of, marks+1
		}
	}
	if members["transactions"] != nil && members["safe_tx"] == nil { // a proposal has transactions of its own: those that carried it
		kind, marks = fileOfBatch, marks+1
	}
	if marks > 1 {
		return kind, nil, errors.New("it can be read in two ways: it is typed data and something else, too")
	}
	return kind, members, nil
}

// besideFile refuses flags beside a file that says the same: which of them is meant? A batch leaves Safe, version and nonce to flags.
func besideFile(cmd *cobra.Command, file string, names []string) error {
	if file == "" {
		return nil
	}
	left := []string{}
	if text, err := os.ReadFile(file); err == nil { //nolint:gosec // the user names it
		if kind, _, err := kindOf(text); err == nil && kind == fileOfBatch {
			left = []string{"chain_id", "safe", "safe_version", "nonce"}
		}
	}
	for _, name := range names {
		if flag := strings.ReplaceAll(name, "_", "-"); cmd.Flags().Changed(flag) && !slices.Contains(left, name) {
			return usagef("--%s stands beside %s, which says it itself: leave one of them out", flag, file)
		}
	}
	return nil
}

// read takes a file of any kind.
func (in *hashInput) read(text []byte) (safe.Domain, safe.Tx, error) {
	kind, members, err := kindOf(text)
	if err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	switch kind {
	case fileOfTypedData:
		return safe.ReadTypedData(text)
	case fileOfBatch:
		batch, err := calldata.ReadBatchFile(text)
		if err != nil {
			return safe.Domain{}, safe.Tx{}, err
		}
		return in.batched(batch)
	case fileOfProposal:
		err = in.proposed(members)
	default:
		if !slices.ContainsFunc(fieldNames, func(name string) bool { return members[name] != nil }) {
			return safe.Domain{}, safe.Tx{}, errors.New("it is none of these: " + fileHelp)
		}
		err = in.take(members)
	}
	if err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	return in.parse()
}

// take reads fields by their exact names, and refuses others: one that is misspelt would be hashed as if it were not there.
func (in *hashInput) take(members map[string]json.RawMessage) error {
	for name, value := range members {
		field := in.field(name)
		if field == nil {
			return fmt.Errorf("%q is no field of a Safe transaction; they are %s", safe.Printable(name, 40), strings.Join(fieldNames, ", "))
		}
		if err := json.Unmarshal(value, field); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// proposed takes the fields from a whole proposal as the API gives it.
func (in *hashInput) proposed(members map[string]json.RawMessage) error {
	var ref, fields map[string]json.RawMessage
	if err := json.Unmarshal(members["safe"], &ref); err != nil {
		return fmt.Errorf("safe: %w", err)
	}
	if err := json.Unmarshal(members["safe_tx"], &fields); err != nil {
		return fmt.Errorf("safe_tx: %w", err)
	}
	if err := in.take(fields); err != nil {
		return fmt.Errorf("safe_tx: %w", err)
	}
	for name, field := range map[string]*jsonText{"chain_id": &in.ChainID, "address": &in.Safe, "version": &in.SafeVersion} {
		if err := json.Unmarshal(ref[name], field); err != nil {
			return fmt.Errorf("safe.%s: %w", name, err)
		}
	}
	return nil
}

// batched makes the SafeTx of a batch, through the MultiSendCallOnly that was published with the Safe's version or the next
// one after it. What the file does not say has to come from flags: the nonce, and often the Safe.
func (in *hashInput) batched(b calldata.BatchFile) (safe.Domain, safe.Tx, error) {
	if in.ChainID == "" && b.ChainID != 0 {
		in.ChainID = jsonText(fmt.Sprint(b.ChainID))
	}
	if in.Safe == "" && b.Safe != (common.Address{}) {
		in.Safe = jsonText(b.Safe.Hex())
	}
	r := fieldReader{}
	d := safe.Domain{ChainID: r.number("chain-id", in.ChainID), Safe: r.address("safe", in.Safe), Version: r.version(in.SafeVersion)}
	nonce := r.number("nonce", in.Nonce)
	switch {
	case r.err != nil:
		return d, safe.Tx{}, r.err
	case b.ChainID != 0 && b.ChainID != d.ChainID:
		return d, safe.Tx{}, fmt.Errorf("the batch is for chain %d, not for %d", b.ChainID, d.ChainID)
	case b.Checksum == calldata.ChecksumWrong:
		return d, safe.Tx{}, errors.New("its checksum is wrong: it was changed after it was exported. Look at it with `belay decode --file`, and export it again")
	}
	tx, err := safe.Batch(b.Calls, batchLibrary(d.Version), nonce)
	return d, tx, err
}

// batchLibrary is the canonical MultiSendCallOnly of a version, or of the oldest release that has one.
func batchLibrary(v safe.Version) common.Address {
	var found safe.Deployment
	for _, d := range safe.MultiSendCallOnly() { // newest first
		if d.Family == "canonical" && (found.Address == common.Address{} || !d.Version.Less(v)) {
			found = d
		}
	}
	return found.Address
}
