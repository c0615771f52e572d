package safe_test

import (
	"encoding/json"
	"errors"
	"testing"

	"belay/safe"
)

func TestParseVersion(t *testing.T) {
	tests := []struct {
		name, text, want string // want "" for a refusal
	}{
		{"as the chain says it", "1.4.1", "1.4.1"},
		{"as a hosted service says it", "1.3.0+L2", "1.3.0"},
		{"any build metadata is dropped", "1.3.0+a.b-c", "1.3.0"},
		{"the oldest EIP-712 Safe", "0.0.2", "0.0.2"},
		{"before EIP-712", "0.0.1", ""},
		{"never released", "1.6.0", ""},
		{"a patch that was never released", "1.3.1", ""},
		{"a pre-release is another contract", "1.5.0-rc.1", ""},
		{"two parts", "1.4", ""},
		{"four parts", "1.4.1.0", ""},
		{"a leading zero", "1.04.1", ""},
		{"a leading v", "v1.4.1", ""},
		{"a sign", "+1.4.1", ""},
		{"white space", " 1.4.1", ""},
		{"a part beyond 8 bits", "1.4.257", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := safe.ParseVersion(tt.text)
			if tt.want == "" {
				if !errors.Is(err, safe.ErrUnsupportedVersion) {
					t.Fatalf("ParseVersion(%q) = %v, %v; want ErrUnsupportedVersion", tt.text, v, err)
				}
				return
			}
			if err != nil || v.String() != tt.want {
				t.Fatalf("ParseVersion(%q) = %v, %v; want %s", tt.text, v, err, tt.want)
			}
		})
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	all := safe.Versions()
	for i := 1; i < len(all); i++ {
		if !all[i-1].Less(all[i]) || all[i].Less(all[i-1]) || !all[i].AtLeast(all[i-1]) {
			t.Errorf("%s and %s are out of order", all[i-1], all[i])
		}
	}
}

func TestStoredVersionsComeBack(t *testing.T) {
	for _, v := range append(safe.Versions(), safe.Version{}, safe.Version{Major: 9}) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back safe.Version
		if err := json.Unmarshal(text, &back); err != nil || back != v {
			t.Errorf("%v became %s, then %v, %v", v, text, back, err)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"1.4.1", "1.3.0+L2", "", "..", "1.4.1+", "255.255.255", "0.0.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := safe.ParseVersion(text)
		if err != nil {
			return
		}
		if !v.Supported() {
			t.Fatalf("%q gave %s, which is unsupported", text, v)
		}
		if again, err := safe.ParseVersion(v.String()); err != nil || again != v {
			t.Fatalf("%q gave %s, which gives %v, %v", text, v, again, err)
		}
	})
}
