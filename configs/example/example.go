// Package example holds the shipped example configuration as files: what people copy by hand, what `belay init` writes from, and what
// the tests try on real contracts are the same bytes.
package example

import "embed"

// Files are belay.yaml, the systemd unit, the Slack manifest, the playbooks for Aave in playbooks, and below sets one folder of
// playbooks with its pause_list.yaml for each other kind of protocol; secrets holds no secret, but says what goes there.
//
//go:embed belay.yaml belay.service slack-manifest.yaml playbooks sets secrets/README
var Files embed.FS
