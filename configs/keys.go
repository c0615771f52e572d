package configs

import (
	"encoding/hex"
	"os"
	"strings"
)

// signingKey reads a key in whichever form it is given: key_file or key_env, keystore, or remote.
func (s *section) signingKey(what string) SigningKey {
	key := SigningKey{Hex: s.secret("key"), Keystore: readKeystore(s.get("keystore")), Remote: readRemote(s.get("remote"))}
	forms := 0
	for _, form := range []bool{s.get("key_file").given() || s.get("key_env").given(), s.get("keystore").given(), s.get("remote").given()} {
		if form {
			forms++
		}
	}
	switch {
	case !s.there():
	case forms == 0:
		s.problem("", "%s is missing: give key_file or key_env, keystore, or remote", what)
	case forms > 1:
		s.problem("keep one of them", "%s is given in %d forms", what, forms)
	}
	s.checkKey(key.Hex, what)
	return key
}

// emergencyKeys reads the keys of the emergency lane, and refuses one that is used twice: each needs nonces of its own.
func (s *section) emergencyKeys(routine SigningKey) (keys []SigningKey) {
	seen := map[string]bool{routine.identity(): true}
	add := func(item value, key SigningKey) {
		if id := key.identity(); id != "" {
			if seen[id] {
				item.problem("every emergency key needs its own nonces", "%s holds a key that is used already", item.label())
			}
			seen[id] = true
		}
		keys = append(keys, key)
	}
	files, envs := s.get("emergency_key_files"), s.get("emergency_key_envs")
	for _, item := range append(files.items(), envs.items()...) {
		key := item.secretFrom(strings.HasPrefix(item.path, envs.path))
		s.checkKey(key, "the relayer's emergency key")
		add(item, SigningKey{Hex: key})
	}
	for _, item := range s.get("emergency").items() {
		one := item.section()
		add(item, one.signingKey("the relayer's emergency key"))
		one.close()
	}
	return keys
}

// identity tells keys apart as far as the configuration does; "" for one that was not read.
func (k SigningKey) identity() string {
	switch {
	case k.Hex.IsSet():
		return "key " + strings.ToLower(strings.TrimPrefix(k.Hex.Reveal(), "0x"))
	case k.Keystore != nil:
		return "keystore " + k.Keystore.File
	case k.Remote != nil:
		return "remote " + k.Remote.Address.Hex()
	}
	return ""
}

// secretFrom reads one entry of a list of secret files or of environment variables.
func (v value) secretFrom(env bool) Secret {
	if env {
		return v.secretEnv()
	}
	return v.secretFile()
}

// checkKey refuses what is not a secp256k1 private key in hex, without quoting it.
func (s *section) checkKey(key Secret, what string) {
	if !key.IsSet() {
		return
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(key.Reveal(), "0x"))
	if err != nil || len(raw) != 32 {
		s.problem("64 hex digits", "%s is not a private key", what)
	}
}

func readKeystore(v value) *Keystore {
	if !v.given() {
		return nil
	}
	s := v.section()
	file := s.need("file", "an encrypted key as geth and cast write it")
	k := &Keystore{File: file.filePath(), Password: s.secret("password")}
	if !s.get("password_file").given() && !s.get("password_env").given() && s.there() {
		s.problem("", "the password of %s is missing: give password_file or password_env", s.label())
	}
	if content := file.secretFile(); content.IsSet() {
		k.JSON = []byte(content.Reveal())
	}
	file.ownersOnly()
	s.get("password_file").ownersOnly()
	s.close()
	return k
}

// ownersOnly refuses a file that others can read: unlike a mounted secret, a keystore and its password lie on a disk with everything else.
func (v value) ownersOnly() {
	if !v.given() || v.r.skipSecrets {
		return
	}
	path := v.filePath()
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 && !mountedSecret(path) {
		v.problem("chmod 600 "+path, "%s can be read by others (mode %04o)", path, info.Mode().Perm())
	}
}

func readRemote(v value) *RemoteSigner {
	if !v.given() {
		return nil
	}
	s := v.section()
	r := &RemoteSigner{
		URL:     s.secretURL(),
		Address: s.need("address", "the account that signs there").address(),
		Kind:    s.need("kind", "web3signer or clef").oneOf("web3signer", "clef"),
		Token:   s.secret("token"),
	}
	s.get("token_file").ownersOnly()
	s.close()
	return r
}
