package safe

import "errors"

// Why a pool refuses a transaction, as far as the answers say so. It is a hint: the word of a provider decides nothing.
var (
	ErrNonceTooLow       = errors.New("relayer nonce is already used")
	ErrUnderpriced       = errors.New("fee is too low")
	ErrInsufficientFunds = errors.New("relayer has too little gas money")
)
