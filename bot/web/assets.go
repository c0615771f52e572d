package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
)

// dist holds what build.mjs made of page/, or only PLACEHOLDER.
//
//go:embed all:dist
var dist embed.FS

//go:embed static
var static embed.FS

// scripts are the built files that pages load.
var scripts = []string{"sign.js", "link.js", "live.js"}

// builtPage is the embedded dist folder.
func builtPage() fs.FS {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only for a name that is no path
	}
	return page
}

// PageHash identifies the built page inside this program: the SHA-256 over its scripts and style, or "none" if it was not
// built. Two programs with the same hash serve the same page.
func PageHash() string {
	a, err := loadAssets(builtPage())
	if err != nil || !a.built() {
		return "none"
	}
	return a.hash()
}

// assets are the files that pages load, each served at an address that holds its digest, so that it can be kept for ever.
type assets struct {
	files map[string]file
}

type file struct {
	body   []byte
	digest [sha256.Size]byte
}

func loadAssets(page fs.FS) (*assets, error) {
	a := &assets{files: map[string]file{}}
	for _, name := range scripts {
		body, err := fs.ReadFile(page, name)
		if err != nil {
			continue // not built
		}
		a.files[name] = file{body: body, digest: sha256.Sum256(body)}
	}
	names, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	for _, entry := range names {
		body, err := static.ReadFile(path.Join("static", entry.Name()))
		if err != nil {
			return nil, err
		}
		a.files[entry.Name()] = file{body: body, digest: sha256.Sum256(body)}
	}
	return a, nil
}

// built reports whether every script is there.
func (a *assets) built() bool {
	return !slices.ContainsFunc(scripts, func(name string) bool { return !a.has(name) })
}

func (a *assets) has(name string) bool {
	_, ok := a.files[name]
	return ok
}

func (a *assets) hash() string {
	all := sha256.New()
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		digest := a.files[name].digest
		_, _ = fmt.Fprintf(all, "%s %x\n", name, digest) // a hash does not fail
	}
	return hex.EncodeToString(all.Sum(nil))
}

// url is the address of a file; it holds the start of the file's digest.
func (a *assets) url(name string) string {
	return "/assets/" + a.digest(name) + "/" + name
}

func (a *assets) digest(name string) string {
	d := a.files[name].digest
	return hex.EncodeToString(d[:8])
}

// integrity is what a browser checks a script against before it runs it.
func (a *assets) integrity(name string) string {
	d := a.files[name].digest
	return "sha256-" + base64.StdEncoding.EncodeToString(d[:])
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	f, ok := s.assets.files[name]
	if !ok || r.PathValue("digest") != s.assets.digest(name) {
		return notFound()
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if path.Ext(name) == ".js" { // whatever the machine's own table says
		h.Set("Content-Type", "text/javascript; charset=utf-8")
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(f.body) // a reader that has gone is no error of ours
	return nil
}
