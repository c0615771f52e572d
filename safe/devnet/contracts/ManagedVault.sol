// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title A contract whose functions an OpenZeppelin AccessManager opens and closes. Not for money.
contract ManagedVault is AccessManaged {
    /// What was done while it was open.
    uint256 public deeds;

    constructor(address manager) AccessManaged(manager) {}

    function use() external restricted {
        deeds++;
    }
}
