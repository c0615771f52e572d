// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title OpenZeppelin's Pausable as a protocol uses it: one role pauses, another unpauses. Not for money.
/// @notice Pausing what is paused reverts here (EnforcedPause), which is OpenZeppelin's own rule.
contract PausableVault is Pausable, AccessControl {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// What was done while it was open.
    uint256 public deeds;

    /// @param pauser may pause; @param admin may unpause and give roles
    constructor(address pauser, address admin) {
        _grantRole(PAUSER_ROLE, pauser);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    function use() external whenNotPaused {
        deeds++;
    }
}
