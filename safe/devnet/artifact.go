package devnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// ErrNotInstalled tells that npm packages, or our own compiled contracts, are missing on this machine.
var ErrNotInstalled = errors.New("not installed: run `make setup`")

// Artifact is one compiled contract.
type Artifact struct {
	ABI              abi.ABI       `json:"abi"`
	Bytecode         hexutil.Bytes `json:"bytecode"`         // creation code, without constructor arguments
	DeployedBytecode hexutil.Bytes `json:"deployedBytecode"` // runtime code, immutables still zero
}

// LoadPackageArtifact reads the artifact at a slash-separated path below node_modules, such as
// "@openzeppelin/contracts/build/contracts/TimelockController.json". node_modules is searched for from the working
// directory upwards.
func LoadPackageArtifact(path string) (*Artifact, error) {
	return loadArtifact(filepath.Join("node_modules", filepath.FromSlash(path)))
}

// LoadOwnArtifact reads one of our own contracts as compile.mjs built it, by contract name: Market, PriceFeed.
func LoadOwnArtifact(name string) (*Artifact, error) {
	return loadArtifact(filepath.Join("safe", "devnet", "build", name+".json"))
}

// loadOldArtifact reads a contract of a Safe before 1.3.0 as old.mjs fetched it.
func loadOldArtifact(version, contract string) (*Artifact, error) {
	return loadArtifact(filepath.Join("safe", "devnet", "old", version, contract+".json"))
}

func loadArtifact(path string) (*Artifact, error) {
	file, err := findUpwards(path)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the path is one of this package's own
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	var a Artifact
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("parse contract %s: %w", path, err)
	}
	return &a, nil
}

// findUpwards looks for path in the working directory and in each of its parents.
func findUpwards(path string) (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, path)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find %s: %w", path, err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s, looked for from %s upwards, %w", path, start, ErrNotInstalled)
		}
	}
}
