package main

import (
	"fmt"
	"runtime/debug"

	"belay/bot/web"
	"belay/configs"
	"belay/store"

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "dev"

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Build   string `json:"build"`
	Page    string `json:"page"` // SHA-256 of the embedded signing page; "none" if not built
	LogKey  string `json:"log_key"`
}

func buildInfo() versionInfo {
	v := versionInfo{Version: version, Commit: "unknown", Build: "unknown", Page: web.PageHash()}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Build = info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "version, commit, build, page hash and log key", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		v := buildInfo()
		v.LogKey = "no configuration"
		if cfg, err := configs.Load(p.configFile, configs.WithoutSecrets()); err == nil {
			if v.LogKey, err = store.PublicKeyOf(cfg.Store.LogKeyFile); err != nil {
				v.LogKey = "none yet: it is made at the first start"
			}
		}
		return p.print(v, fmt.Sprintf("belay %s\ncommit  %s\nbuild   %s\npage    %s\nlog key %s", v.Version, v.Commit, v.Build, v.Page, v.LogKey))
	}}
}
