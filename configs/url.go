package configs

import "errors"

// CheckProviderURL says why a configuration would refuse a provider's URL; nil when it would not. The error never quotes it.
func CheckProviderURL(address string) error {
	if why := notWeb(address); why != "" {
		return errors.New("it " + why + ": https, or http on this machine or a private network")
	}
	return nil
}
