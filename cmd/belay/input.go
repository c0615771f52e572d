package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
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

// read tells the four kinds of file apart by their members.
func (in *hashInput) read(text []byte) (safe.Domain, safe.Tx, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	switch {
	case members["primaryType"] != nil:
		return safe.ReadTypedData(text)
	case members["transactions"] != nil && members["safe_tx"] == nil:
		batch, err := calldata.ReadBatchFile(text)
		if err != nil {
			return safe.Domain{}, safe.Tx{}, err
		}
		return in.batched(batch)
	case members["safe_tx"] != nil:
		if err := in.proposed(members); err != nil {
			return safe.Domain{}, safe.Tx{}, err
		}
	default:
		if err := json.Unmarshal(text, in); err != nil {
			return safe.Domain{}, safe.Tx{}, err
		}
	}
	return in.parse()
}

// proposed takes the fields from a whole proposal as the API gives it.
func (in *hashInput) proposed(members map[string]json.RawMessage) error {
	var ref struct {
		ChainID jsonText `json:"chain_id"`
		Address jsonText `json:"address"`
		Version jsonText `json:"version"`
	}
	if err := json.Unmarshal(members["safe"], &ref); err != nil {
		return fmt.Errorf("safe: %w", err)
	}
	if err := json.Unmarshal(members["safe_tx"], in); err != nil {
		return fmt.Errorf("safe_tx: %w", err)
	}
	in.ChainID, in.Safe, in.SafeVersion = ref.ChainID, ref.Address, ref.Version
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
