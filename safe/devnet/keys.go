package devnet

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Keys is how many accounts the genesis block funds: Key(0) to Key(Keys-1).
const Keys = 20

// Who uses which key in the sample protocol of [NewStack].
const (
	DeployerKey     = 0  // deploys everything and sets the price of the feed; holds no other role afterwards
	FirstOwnerKey   = 1  // owners of the guardian Safe are Key(1), Key(2), Key(3)
	RelayerKey      = 10 // holds gas, nothing else
	EmergencyKeyOne = 11 // a relayer of the emergency lane
	EmergencyKeyTwo = 12 // another, so that two emergencies never share a relayer nonce
)

// Key returns the private key of account i. THE KEYS ARE PUBLIC: keccak256("belay devnet key <i>"), the same on every
// machine. It panics for an index outside 0 to Keys-1, which only a typing mistake in a test can cause.
func Key(i int) *ecdsa.PrivateKey {
	if i < 0 || i >= Keys {
		panic(fmt.Sprintf("devnet: no key %d, there are %d", i, Keys))
	}
	return derive(i)
}

// Address returns the address of Key(i).
func Address(i int) common.Address { return crypto.PubkeyToAddress(Key(i).PublicKey) }

// faucet pays for [Chain.Fund]. It is apart from the numbered keys, so that funding never moves a nonce a test counts.
func faucet() *ecdsa.PrivateKey { return derive(Keys) }

func derive(i int) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "belay devnet key %d", i)))
	if err != nil { // fewer than one hash in 2^127 is no private key, and these few were tried
		panic(fmt.Sprintf("devnet: derive key %d: %v", i, err))
	}
	return key
}
