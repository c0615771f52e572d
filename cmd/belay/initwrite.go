package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"belay/configs"
	"belay/configs/example"

	"github.com/ethereum/go-ethereum/crypto"
)

// playbookSet is a part of the shipped example that `belay init` can begin with.
type playbookSet struct {
	name   string
	files  []string // the playbooks: a pause first
	pauses string   // the file with its pause_list
}

var playbookSets = []playbookSet{
	{"pausable", []string{"sets/pausable/pause-vault.yaml", "sets/pausable/unpause-vault.yaml"}, "sets/pausable/pause_list.yaml"},
	{"access-manager", []string{"sets/access-manager/close-target.yaml", "sets/access-manager/open-target.yaml"}, "sets/access-manager/pause_list.yaml"},
	{"compound", []string{"sets/compound/pause-market.yaml", "sets/compound/unpause-market.yaml"}, "sets/compound/pause_list.yaml"},
	{"aave", []string{"playbooks/pause-reserve.yaml", "playbooks/unpause-reserve.yaml"}, "belay.yaml"},
}

func setNames() []string {
	var names []string
	for _, set := range playbookSets {
		names = append(names, set.name)
	}
	return names
}

func setOf(name string) playbookSet {
	return playbookSets[slices.IndexFunc(playbookSets, func(set playbookSet) bool { return set.name == name })]
}

// relayerFile is where the relayer's key lies. It is made once: whoever loses it loses the gas money on it.
const relayerFile = "secrets/relayer"

// draftFile is one file to be written, by its path below the directory.
type draftFile struct {
	path, text string
	secret     bool
}

// takeDir takes a directory in which nothing would be written over.
func (s *setup) takeDir(_ context.Context, dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usagef("%s is a file, not a directory", dir)
	}
	var there []string
	for _, f := range s.drafts("", "") {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.path))); err == nil {
			there = append(there, filepath.Join(dir, f.path))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return usage(err)
		}
	}
	if len(there) > 0 && !s.force {
		return usagef("there is already %s: choose another directory, or --force to write over it", strings.Join(there, ", "))
	}
	s.dir = dir
	return nil
}

func (s *setup) takePublicURL(_ context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return usagef("it has to be an origin, such as https://belay.example.org")
	}
	s.publicURL = strings.TrimSuffix(address, "/")
	return nil
}

// write proves that what it is about to write is a good configuration, and writes it: belay.yaml last, so that there is none
// without what it names.
func (s *setup) write() error {
	key, keep, err := s.relayerKey()
	if err != nil {
		return err
	}
	files := s.drafts(key, s.belayYAML(key != ""))
	if err := prove(files); err != nil {
		return fmt.Errorf("nothing was written, for it would not be valid: %w", err)
	}
	for _, f := range files {
		if f.path == relayerFile && keep {
			continue
		}
		if err := s.writeFile(f); err != nil {
			return err
		}
	}
	return nil
}

// relayerKey gives the key in hex: the one that lies there already, which is kept, or a new one if one is wanted, or none.
func (s *setup) relayerKey() (key string, keep bool, err error) {
	text, err := os.ReadFile(filepath.Join(s.dir, relayerFile))
	switch {
	case err == nil:
		own, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"))
		if err != nil {
			return "", true, usagef("%s is there and holds no private key", filepath.Join(s.dir, relayerFile)) // the cause could hold digits of it
		}
		s.relayer = crypto.PubkeyToAddress(own.PublicKey)
		return strings.TrimSpace(string(text)), true, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", false, err
	case !s.makeRelayer:
		return "", false, nil
	}
	fresh, err := crypto.GenerateKey()
	if err != nil {
		return "", false, fmt.Errorf("make a relayer key: %w", err)
	}
	s.relayer = crypto.PubkeyToAddress(fresh.PublicKey)
	return hex.EncodeToString(crypto.FromECDSA(fresh)), false, nil
}

func (s *setup) writeFile(f draftFile) error {
	file := filepath.Join(s.dir, filepath.FromSlash(f.path))
	folder, mode := fs.FileMode(0o755), fs.FileMode(0o644)
	if f.secret {
		folder, mode = 0o700, 0o600
	}
	if err := makeFolder(filepath.Dir(file), folder); err != nil {
		return err
	}
	if s.force {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // the user names the directory
	if err != nil {
		return err
	}
	_, err = out.WriteString(f.text)
	if err := errors.Join(err, out.Chmod(mode), out.Close()); err != nil {
		return err
	}
	s.written = append(s.written, file)
	return nil
}

// makeFolder makes a directory that is not there, and those above it, which anyone may enter. The modes hold whatever the umask is, for
// the service reads as another user than the one who writes here. What is there keeps its mode.
func makeFolder(folder string, mode fs.FileMode) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolder(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(folder, mode); err != nil {
		return err
	}
	return os.Chmod(folder, mode)
}

// prove loads the files as `belay check` will.
func prove(files []draftFile) error {
	dir, err := os.MkdirTemp("", "belay-init")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	trial := setup{dir: dir}
	for _, f := range files {
		if err := trial.writeFile(f); err != nil {
			return err
		}
	}
	cfg, err := configs.Load(filepath.Join(dir, "belay.yaml"))
	if err == nil {
		_, errs := compilePlaybooks(cfg)
		err = errors.Join(errs...)
	}
	if err != nil {
		return usage(errors.New(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")))
	}
	return nil
}

// drafts lists every file. Without a key there is no relayer's.
func (s *setup) drafts(key, config string) []draftFile {
	var files []draftFile
	for i, url := range s.rpc {
		files = append(files, draftFile{"secrets/" + providerName(i), url + "\n", true})
	}
	if key != "" {
		files = append(files, draftFile{relayerFile, key + "\n", true})
	}
	files = append(files, draftFile{"secrets/README", shipped("secrets/README"), true})
	set := setOf(s.set)
	for _, name := range set.files {
		files = append(files, draftFile{"playbooks/" + path.Base(name), s.playbookYAML(shipped(name)), false})
	}
	return append(files,
		draftFile{"slack-manifest.yaml", strings.ReplaceAll(shipped("slack-manifest.yaml"), "https://belay.example.org", s.publicURL), false},
		draftFile{"belay.service", shipped("belay.service"), false},
		draftFile{"belay.yaml", config, false})
}

// shipped reads a file of the example, which is part of the program.
func shipped(name string) string {
	text, err := example.Files.ReadFile(name)
	if err != nil {
		panic(err) // a test reads every one
	}
	return string(text)
}

var viaTimelock = regexp.MustCompile(`(?m)^via: core-timelock.*$`)

// playbookYAML fits a shipped playbook to a configuration that names its Safe otherwise, and knows no timelock and no role risk yet.
func (s *setup) playbookYAML(text string) string {
	text = regexp.MustCompile(`(?m)^safe: guardian\b`).ReplaceAllString(text, "safe: "+s.name)
	text = viaTimelock.ReplaceAllString(text, "via: direct                         # better the name of a timelock that may do it, listed under timelocks in belay.yaml")
	return strings.NewReplacer("pause_list.yaml", "the pause_list of belay.yaml", "propose: [guardian, risk]", "propose: [guardian]").Replace(text)
}
