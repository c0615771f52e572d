// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A target that hides the failure of what it calls.
/// @notice Called through a Safe with too little gas, the inner call fails, this contract returns as if nothing were wrong,
/// and the Safe reports ExecutionSuccess: the nonce and the signatures are spent, and nothing happened. Whoever relays
/// must see that band of gas limits before sending.
contract Swallower {
    uint256 public count;
    mapping(uint256 => uint256) private work;

    event Swallowed(bytes reason);

    /// @notice Counts one, by a call to itself that costs about `units` × 22 000 gas, and tells nobody if that fails.
    function tryCount(uint256 units) external {
        try this.expensiveCount(units) {} catch (bytes memory reason) {
            emit Swallowed(reason);
        }
    }

    /// @notice Calls target and ignores whether it failed.
    function tryCall(address target, bytes calldata data) external {
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) emit Swallowed(reason);
    }

    function expensiveCount(uint256 units) external {
        for (uint256 i = 0; i < units; i++) {
            work[uint256(keccak256(abi.encode(count, i)))] = 1; // a fresh slot each time
        }
        count++;
    }

    /// @notice Reverts with a reason, for tests of reasons.
    function alwaysRevert(string calldata reason) external pure {
        revert(reason);
    }
}
