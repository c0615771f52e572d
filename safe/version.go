package safe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrUnsupportedVersion marks a Safe version whose hash rules are not known: 0.0.1, which is not EIP-712, and everything
// that was never released. A wrong guess would ask owners to sign a hash that the chain does not compute.
var ErrUnsupportedVersion = errors.New("unsupported safe version")

// Version is the release of a Safe contract as its VERSION() tells it, without build metadata.
type Version struct {
	Major, Minor, Patch uint8
}

// The releases whose rules this package knows. 0.0.2 is what the bytecode published as 0.1.0 says of itself.
var (
	V0_0_2 = Version{0, 0, 2}
	V0_1_0 = Version{0, 1, 0}
	V1_0_0 = Version{1, 0, 0}
	V1_1_0 = Version{1, 1, 0}
	V1_1_1 = Version{1, 1, 1}
	V1_2_0 = Version{1, 2, 0}
	V1_3_0 = Version{1, 3, 0}
	V1_4_0 = Version{1, 4, 0}
	V1_4_1 = Version{1, 4, 1}
	V1_5_0 = Version{1, 5, 0}
)

// Versions returns every supported release, oldest first.
func Versions() []Version {
	return []Version{V0_0_2, V0_1_0, V1_0_0, V1_1_0, V1_1_1, V1_2_0, V1_3_0, V1_4_0, V1_4_1, V1_5_0}
}

// ParseVersion reads "1.4.1", or "1.3.0+L2" as hosted services write it: what follows the plus sign is build metadata and
// is dropped. A version that was never released gives ErrUnsupportedVersion.
func ParseVersion(text string) (Version, error) {
	v, err := parseVersion(text)
	if err != nil {
		return Version{}, err
	}
	if !v.Supported() {
		return Version{}, fmt.Errorf("%w: %s", ErrUnsupportedVersion, v)
	}
	return v, nil
}

func parseVersion(text string) (Version, error) {
	core, _, _ := strings.Cut(text, "+")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("%w: %.32q is not MAJOR.MINOR.PATCH", ErrUnsupportedVersion, text)
	}
	var n [3]uint8
	for i, part := range parts {
		x, err := strconv.ParseUint(part, 10, 8)
		if err != nil || strconv.FormatUint(x, 10) != part {
			return Version{}, fmt.Errorf("%w: %.32q is not MAJOR.MINOR.PATCH", ErrUnsupportedVersion, text)
		}
		n[i] = uint8(x)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// String returns "1.4.1".
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// MarshalText writes "1.4.1".
func (v Version) MarshalText() ([]byte, error) {
	return []byte(v.String()), nil
}

// UnmarshalText reads what MarshalText wrote, the zero version included. It checks the form only: a stored record must be
// readable even where ParseVersion would refuse to work with it.
func (v *Version) UnmarshalText(text []byte) error {
	parsed, err := parseVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// Supported reports whether v is a release whose rules this package knows.
func (v Version) Supported() bool {
	for _, known := range Versions() {
		if v == known {
			return true
		}
	}
	return false
}

// Less reports whether v is older than o.
func (v Version) Less(o Version) bool {
	if v.Major != o.Major {
		return v.Major < o.Major
	}
	if v.Minor != o.Minor {
		return v.Minor < o.Minor
	}
	return v.Patch < o.Patch
}

// AtLeast reports whether v is o or newer.
func (v Version) AtLeast(o Version) bool {
	return !v.Less(o)
}

// BindsChain reports whether the EIP-712 domain of v holds the chain id. Before 1.3.0 it does not, and a signature is also
// valid for the same Safe address on any other chain.
func (v Version) BindsChain() bool {
	return v.AtLeast(V1_3_0)
}

// SameRule reports whether transactions hash alike under v and o, so that signatures made for one hold for the other.
func (v Version) SameRule(o Version) bool {
	return v.BindsChain() == o.BindsChain() && v.Less(V1_0_0) == o.Less(V1_0_0)
}

// TellsSuccess reports whether an execution that succeeded leaves an event. Before 1.1.0 only failures do.
func (v Version) TellsSuccess() bool {
	return v.AtLeast(V1_1_0)
}

// KeepsNonceOnFailure reports whether an inner call that reverts takes the whole execution with it, so that nonce and
// signatures survive. It holds from 1.3.0 on, and only while safeTxGas and gasPrice are zero.
func (v Version) KeepsNonceOnFailure() bool {
	return v.AtLeast(V1_3_0)
}
