package chain

import (
	"crypto/ecdsa"
	"errors"

	"github.com/ethereum/go-ethereum/accounts/keystore"
)

// DecryptKey opens an encrypted key file: Web3 Secret Storage, version 3, as geth, clef and cast write it. With geth's usual
// strength it takes about a second and 256 MiB. The error quotes neither file nor password.
func DecryptKey(file []byte, password string) (*ecdsa.PrivateKey, error) {
	key, err := keystore.DecryptKey(file, password)
	switch {
	case errors.Is(err, keystore.ErrDecrypt):
		return nil, errors.New("the password does not open the keystore file")
	case err != nil:
		return nil, errors.New("the keystore file is no Web3 Secret Storage of version 3")
	}
	return key.PrivateKey, nil
}
