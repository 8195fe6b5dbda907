package agent

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// verify checks what can be known about a snapshot without understanding its configuration.
func (a *Agent) verify(s *weirv1.Snapshot) error {
	if s.GetVersion() == 0 {
		return fmt.Errorf("the snapshot has no version")
	}
	if n := len(s.GetConfig()); n > api.MaxConfigBytes {
		return fmt.Errorf("the configuration has %d bytes, the maximum is %d", n, api.MaxConfigBytes)
	}
	if got := api.Hash(s.GetConfig()); got != s.GetHash() {
		return fmt.Errorf("the configuration's hash is %s, the snapshot says %s", got, s.GetHash())
	}
	if scope := s.GetScope(); scope != "" && scope != a.cfg.Identity.Service {
		return fmt.Errorf("the configuration is for service %q, this sidecar is of service %q", scope, a.cfg.Identity.Service)
	}
	if len(a.cfg.PublicKey) > 0 {
		return api.VerifySnapshot(a.cfg.PublicKey, s.GetVersion(), s.GetScope(), s.GetHash(), s.GetSignature())
	}
	return nil
}

// take puts a snapshot from the stream in force. A nil error is an acknowledgement.
func (a *Agent) take(ctx context.Context, s *weirv1.Snapshot) error {
	a.mu.Lock()
	held, hash := a.status.Version, a.status.Hash
	a.mu.Unlock()
	switch {
	case s.GetVersion() == held && s.GetHash() == hash:
		return nil
	case s.GetVersion() <= held:
		return fmt.Errorf("version %d is not newer than version %d held here: versions only go forward, store the document with a higher version", s.GetVersion(), held)
	}
	err := a.verify(s)
	if err == nil {
		err = a.apply(ctx, s, SourceStream)
	}
	if err != nil {
		a.reject(s, err)
		return err
	}
	a.keep(a.disk.saveSnapshot(&weirv1.StoredSnapshot{Snapshot: s, Saved: timestamppb.Now()}))
	a.log.Info("configuration applied", "version", s.GetVersion(), "hash", s.GetHash())
	return nil
}

// apply calls the owner. A panic there is an error like any other: what was in force stays.
func (a *Agent) apply(ctx context.Context, s *weirv1.Snapshot, source string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("applying the configuration panicked: %v", r)
		}
	}()
	given := Snapshot{Version: s.GetVersion(), Hash: s.GetHash(), Config: bytes.Clone(s.GetConfig()), Source: source}
	if err := a.cfg.Apply(ctx, given); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Version, a.status.Hash, a.status.Source = s.GetVersion(), s.GetHash(), source
	if a.status.NackVersion < s.GetVersion() {
		a.status.LastNack, a.status.NackVersion, a.nackHash = "", 0, ""
	}
	return nil
}

// reject remembers a refusal.
func (a *Agent) reject(s *weirv1.Snapshot, err error) {
	a.mu.Lock()
	a.status.LastNack, a.status.NackVersion, a.nackHash = fmt.Sprintf("version %d: %v", s.GetVersion(), err), s.GetVersion(), s.GetHash()
	a.mu.Unlock()
	a.log.Warn("configuration refused, the one before serves on", "version", s.GetVersion(), "error", err)
}

// recall puts the newest usable configuration from disk in force, and the commands that still hold.
func (a *Agent) recall(ctx context.Context) {
	if err := a.disk.open(); err != nil {
		a.keep(fmt.Errorf("state folder: %w", err))
	}
	for _, s := range a.disk.snapshots() {
		err := a.verify(s.GetSnapshot())
		if err == nil {
			err = a.apply(ctx, s.GetSnapshot(), SourceDisk)
		}
		if err != nil {
			a.log.Warn("last-known-good configuration ignored", "version", s.GetSnapshot().GetVersion(), "error", err)
			continue
		}
		a.mu.Lock()
		a.confirmed = s.GetSaved().AsTime()
		a.mu.Unlock()
		a.log.Info("last-known-good configuration applied", "version", s.GetSnapshot().GetVersion(), "saved", s.GetSaved().AsTime())
		break
	}
	if stored := a.disk.commands(); stored != nil && a.cfg.Commands != nil {
		now := time.Now()
		a.ledger.replace(restoredCommands(stored, now), now)
	}
}

// obey puts a complete set of commands in force and says which of them are refused.
func (a *Agent) obey(set *weirv1.CommandSet) *weirv1.CommandReport {
	now := time.Now()
	report := &weirv1.CommandReport{Nonce: set.GetNonce(), Revision: set.GetRevision()}
	var leases []Command
	if a.cfg.Commands == nil {
		for _, c := range set.GetCommands() {
			report.Refused = append(report.Refused, &weirv1.Refusal{Id: c.GetId(), Reason: "this sidecar takes no commands"})
		}
	} else {
		from := now
		if set.GetNow().IsValid() {
			from = set.GetNow().AsTime()
		}
		leases, report.Refused = localCommands(set.GetCommands(), from, now)
	}
	held := a.ledger.replace(leases, now)
	for _, c := range held {
		report.Accepted = append(report.Accepted, c.ID)
	}
	refused := make([]string, 0, len(report.Refused))
	for _, r := range report.Refused {
		refused = append(refused, r.GetId()+": "+r.GetReason())
	}
	a.mu.Lock()
	a.status.Refused = refused
	a.mu.Unlock()
	if len(refused) > 0 {
		a.log.Warn("commands refused", "commands", refused)
	}
	a.keep(a.disk.saveCommands(storedCommands(set.GetRevision(), held)))
	return report
}

// keep notes whether state could be kept, and logs when that changes.
func (a *Agent) keep(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	a.mu.Lock()
	before := a.status.DiskError
	a.status.DiskError = text
	a.mu.Unlock()
	if text != "" && text != before {
		a.log.Warn("state is not kept on disk", "error", text)
	}
}
