package safe_test

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

func TestExecutionOf(t *testing.T) {
	hash := pauseHash
	payment := words("0x0")
	for _, tt := range []struct {
		name    string
		log     safe.Log
		success bool
		ok      bool
	}{
		{"success from 1.4.0 on, hash indexed", safe.Log{Topics: []common.Hash{safe.TopicExecutionSuccess, hash}, Data: payment}, true, true},
		{"success up to 1.3.0, hash in the data", safe.Log{Topics: []common.Hash{safe.TopicExecutionSuccess}, Data: append(hash.Bytes(), payment...)}, true, true},
		{"failure, indexed", safe.Log{Topics: []common.Hash{safe.TopicExecutionFailure, hash}, Data: payment}, false, true},
		{"failure, in the data", safe.Log{Topics: []common.Hash{safe.TopicExecutionFailure}, Data: append(hash.Bytes(), payment...)}, false, true},
		{"failure up to 1.0.0", safe.Log{Topics: []common.Hash{safe.TopicExecutionFailed}, Data: hash.Bytes()}, false, true},
		{"no topics", safe.Log{Data: payment}, false, false},
		{"another event", safe.Log{Topics: []common.Hash{safe.TopicApproveHash, hash}, Data: payment}, false, false},
		{"data of the wrong length", safe.Log{Topics: []common.Hash{safe.TopicExecutionSuccess, hash}}, false, false},
		{"too many topics", safe.Log{Topics: []common.Hash{safe.TopicExecutionSuccess, hash, hash}, Data: payment}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, success, ok := safe.ExecutionOf(tt.log)
			want := common.Hash{}
			if tt.ok {
				want = hash
			}
			if got != want || success != tt.success || ok != tt.ok {
				t.Errorf("got %s, %v, %v", got, success, ok)
			}
		})
	}
}

func TestApprovalOf(t *testing.T) {
	owner := addr("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
	log := safe.Log{Topics: []common.Hash{safe.TopicApproveHash, pauseHash, common.BytesToHash(owner[:])}}
	if hash, who, ok := safe.ApprovalOf(log); hash != pauseHash || who != owner || !ok {
		t.Errorf("got %s, %s, %v", hash, who, ok)
	}
	log.Topics = log.Topics[:2]
	if _, _, ok := safe.ApprovalOf(log); ok {
		t.Error("a log without owner was read")
	}
}

func TestTopicsAreThoseOfTheirEvents(t *testing.T) {
	known := slices.Concat(safe.SettingTopics(), safe.ExecutionTopics(), []common.Hash{safe.TopicApproveHash})
	events := []string{
		"AddedOwner(address)", "RemovedOwner(address)", "ChangedThreshold(uint256)", "EnabledModule(address)",
		"DisabledModule(address)", "ChangedGuard(address)", "ChangedModuleGuard(address)", "ChangedFallbackHandler(address)",
		"ChangedMasterCopy(address)", "ExecutionSuccess(bytes32,uint256)", "ExecutionFailure(bytes32,uint256)",
		"ExecutionFailed(bytes32)", "ApproveHash(bytes32,address)",
	}
	for _, event := range events {
		if !slices.Contains(known, crypto.Keccak256Hash([]byte(event))) {
			t.Errorf("the topic of %s is missing", event)
		}
	}
	if len(known) != len(events) {
		t.Errorf("%d topics for %d events", len(known), len(events))
	}
}
