package proxy

import (
	"context"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/change"
	"github.com/weirproxy/weir/telemetry"
	"github.com/weirproxy/weir/telemetry/changes"
)

// changeFeed is what reads the topics that say what has changed.
type changeFeed struct {
	reader *changes.Reader
	feed   *change.Feed
}

// longestLife is how old an entry of the shared tier can be: changes before that concern none.
const longestLife = 24 * time.Hour

// newFeed returns nil when no topics are configured.
func (s *Sidecar) newFeed() (*changeFeed, error) {
	c := &s.cfg.Static.Changes
	if len(c.Topics) == 0 || s.store == nil {
		return nil, nil
	}
	f := &changeFeed{feed: change.New(change.Config{
		Topics: c.Topics, Now: time.Now, Logger: s.log, Invalidate: s.obeyChange,
		Parse: func(body []byte) (cache.Invalidation, string) { return admin.Parse(body, s.policies.names()) },
	})}
	since := time.Now()
	if c.Group != "" || s.cfg.Static.File.CacheSave == "on" { // the fleet, or the folder, may have entries from before
		since = since.Add(-longestLife)
	}
	security, err := kafkaSecurity(&s.cfg.Static.File)
	if err != nil {
		return nil, err
	}
	r := changes.Config{
		Brokers: c.Brokers, Security: security, Group: c.Group, Client: "weir-" + s.cfg.Static.File.Identity.Service, Since: since, Obey: f.feed.Obey, Lost: f.feed.Lost,
		Logger: s.log,
	}
	for i := range c.Topics {
		r.Topics = append(r.Topics, c.Topics[i].Name)
	}
	f.reader, err = changes.New(r)
	return f, err
}

// obeyChange returns when the log has the invalidation. This sidecar obeys at once.
func (s *Sidecar) obeyChange(ctx context.Context, inv cache.Invalidation) error {
	if _, err := invalidate(ctx, s.store, inv); err != nil {
		return err
	}
	return s.store.AwaitLogged(ctx)
}

func (f *changeFeed) collect(set telemetry.Set) {
	for topic, st := range f.feed.Stats() {
		for what, name := range change.Names {
			set.Counter("weir_changes_total", "Records of change topics, by what became of them.", float64(st.Records[what]), "topic", topic, "outcome", name)
		}
		set.Gauge("weir_changes_lag_seconds", "Time from the newest change that was obeyed to when the log had its invalidation.", st.Lag.Seconds(), "topic", topic)
		set.Counter("weir_changes_lag_seconds_total", "Sum of these times over all records that were obeyed.", st.Lags.Seconds(), "topic", topic)
	}
	st := f.reader.Stats()
	for topic, n := range st.Behind {
		set.Gauge("weir_changes_behind", "Records that wait in the partitions that this sidecar reads, as of its last fetch.", float64(n), "topic", topic)
	}
	set.Counter("weir_changes_batches_total", "Batches of records that were obeyed.", float64(st.Batches))
	set.Counter("weir_changes_records_total", "Records in them.", float64(st.Records))
	set.Counter("weir_changes_retries_total", "Times a batch had to be tried again.", float64(st.Retries))
	set.Counter("weir_changes_lost_total", "Times a topic had dropped records before they were read; everything was invalidated.", float64(st.Lost))
	set.Counter("weir_changes_errors_total", "Errors of Kafka.", float64(st.CommitErrors), "kind", "commit")
	set.Counter("weir_changes_errors_total", "Errors of Kafka.", float64(st.FetchErrors), "kind", "fetch")
	set.Gauge("weir_changes_connected", "1 when the last contact with Kafka went well.", boolean(st.Connected))
}
