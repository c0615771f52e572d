package configs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const redacted = "<redacted>"

// maxSecretBytes bounds a secret file: keys, tokens and URLs are far shorter.
const maxSecretBytes = 16 << 10

// Secret is a token, key or provider URL. It prints as "<redacted>" in every verb, log and encoding; only Reveal gives it out.
// The text sits behind a pointer so that fmt, which ignores the methods of unexported fields, prints an address at worst.
type Secret struct{ text *string }

// NewSecret wraps a text that must not be printed.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the secret itself, or "" when none is set. Call it where it is used, not before.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is one.
func (s Secret) IsSet() bool { return s.text != nil }

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// Format hides the secret from every other verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML hides the secret.
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// secret reads KEY_file or KEY_env; one of them, never both. The zero Secret is returned when neither is given, or when the
// load skips secrets.
func (s *section) secret(key string) Secret {
	file, env := s.get(key+"_file"), s.get(key+"_env")
	switch {
	case file.given() && env.given():
		env.problem("keep one of them", "%s_file and %s_env are both given", key, key)
	case file.given():
		return file.secretFile()
	case env.given():
		return env.secretEnv()
	}
	return Secret{}
}

// needSecret is secret for one that the program cannot run without.
func (s *section) needSecret(key, what string) Secret {
	secret := s.secret(key)
	if !s.get(key+"_file").given() && !s.get(key+"_env").given() && s.there() {
		s.problem("", "%s is missing: give %s_file or %s_env", what, key, key)
	}
	return secret
}

// secretFile reads the named file, relative to the configuration.
func (v value) secretFile() Secret {
	path := v.filePath()
	if path == "" || v.r.skipSecrets {
		return Secret{}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.problem("create it, readable by Belay's user only", "secret file %s does not exist", path)
		return Secret{}
	case err != nil:
		v.problem("", "secret file %s cannot be read: %v", path, errors.Unwrap(err))
		return Secret{}
	case !info.Mode().IsRegular():
		v.problem("", "secret file %s is not a regular file", path)
		return Secret{}
	case info.Size() > maxSecretBytes:
		v.problem("", "secret file %s is larger than %d bytes", path, maxSecretBytes)
		return Secret{}
	}
	if info.Mode().Perm()&0o077 != 0 && !mountedSecret(path) {
		v.r.warn(v.node.Line, "chmod 600 "+path, "secret file %s can be read by others (mode %04o)", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		v.problem("", "secret file %s cannot be read: %v", path, errors.Unwrap(err))
		return Secret{}
	}
	text := strings.TrimSpace(string(raw))
	if text == "" {
		v.problem("", "secret file %s is empty", path)
		return Secret{}
	}
	return NewSecret(text)
}

// mountedSecret reports whether path lies in a directory that a container runtime or systemd mounts for one service alone.
// Files there are often 0444 or 0440 and cannot be changed; the mount keeps others out.
func mountedSecret(path string) bool {
	dirs := []string{"/run/secrets", "/var/run/secrets", "/run/credentials"}
	if own := os.Getenv("CREDENTIALS_DIRECTORY"); own != "" {
		dirs = append(dirs, own)
	}
	for _, dir := range dirs {
		if rel, err := filepath.Rel(dir, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return true
		}
	}
	return false
}

// secretEnv reads the named environment variable.
func (v value) secretEnv() Secret {
	name := v.text()
	if name == "" || v.r.skipSecrets {
		return Secret{}
	}
	text := strings.TrimSpace(os.Getenv(name))
	if text == "" {
		v.problem("set it in Belay's environment", "environment variable %s is not set", name)
		return Secret{}
	}
	return NewSecret(text)
}
