package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Config is what the listener must be told. Only PublicURL is required.
type Config struct {
	PublicURL      string         // the one origin that people learn, without a path
	APIToken       Secret         // the operator's bearer token; "" lets nobody in as operator
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	Slack   http.Handler // takes POST /slack/{commands,interactions,events}; nil: these routes are not there
	Discord http.Handler // takes POST /discord/interactions; nil: this route is not there

	// LogHead answers GET /api/v1/log/head. What it gives is told to anyone, so it must be blind to what is not public.
	// nil: the route answers not_found.
	LogHead func(context.Context) (any, error)

	Build  Build
	Logger *slog.Logger // nil: nothing is logged
}

// Build says which program this is. It is shown at the foot of every page and in the API's description.
type Build struct {
	Version string
	Commit  string
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var problems []error
	if _, err := parseOrigin(c.PublicURL); err != nil {
		problems = append(problems, fmt.Errorf("http.public_url: %w", err))
	}
	return errors.Join(problems...)
}

func parseOrigin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, fmt.Errorf("%q is not an origin such as https://belay.example.org", text)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q holds more than scheme, host and port", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// Secret is text that no log and no error message shows.
type Secret string

const redacted = "<redacted>"

// String hides the secret.
func (s Secret) String() string { return redacted }

// GoString hides the secret.
func (s Secret) GoString() string { return redacted }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
