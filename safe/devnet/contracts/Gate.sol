// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A guard of a Safe that refuses calls to one target.
contract Gate {
    /// checkTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes,address). Written out, its
    /// eleven arguments are more than the compiler's stack takes.
    bytes4 private constant CHECK_TRANSACTION = 0x75f0bb52;

    address public immutable barred;

    error Barred(address target);

    constructor(address barred_) {
        barred = barred_;
    }

    /// @notice Before and after each transaction. Only what it is asked before counts.
    fallback() external {
        if (msg.sig == CHECK_TRANSACTION && abi.decode(msg.data[4:36], (address)) == barred) revert Barred(barred);
    }

    /// @notice ERC-165, and the transaction guard of Safe 1.4 and later.
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0xe6d7a83a;
    }
}
