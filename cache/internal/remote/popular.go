package remote

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/key"
)

// The fleet's list of the keys that are asked for most: a sorted set whose scores are about when a key was last told of, with a bonus for
// how often it was asked for. It is bounded, and goes when nobody tells anything.
const popularLife = 10 * time.Minute

func (v *Values) popular() string { return v.cfg.Namespace + ":popular" }

// PublishPopular puts keys into the list, and of all keys keeps the best. It returns how many were told.
func (v *Values) PublishPopular(ctx context.Context, keys []*key.Key, scores []int64, keep int) int {
	c := v.link.get()
	if c == nil || len(keys) == 0 {
		return 0
	}
	call, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	add := c.B().Zadd().Key(v.popular()).Gt().ScoreMember()
	for i, k := range keys {
		add = add.ScoreMember(float64(scores[i]), rueidis.BinaryString(k[:]))
	}
	results := c.DoMulti(call,
		add.Build(),
		c.B().Zremrangebyrank().Key(v.popular()).Start(0).Stop(int64(-keep-1)).Build(),
		c.B().Expire().Key(v.popular()).Seconds(int64(popularLife/time.Second)).Build(),
	)
	for _, r := range results {
		if err := r.Error(); err != nil {
			v.link.trouble.note("telling what is popular", err)
			return 0
		}
	}
	return len(keys)
}

// Popular returns up to n keys of the list, the best first.
func (v *Values) Popular(ctx context.Context, n int) []key.Key {
	c := v.link.get()
	if c == nil {
		return nil
	}
	members, err := c.Do(ctx, c.B().Zrevrange().Key(v.popular()).Start(0).Stop(int64(n-1)).Build()).AsStrSlice()
	if err != nil {
		v.link.trouble.note("reading what is popular", err)
		return nil
	}
	keys := make([]key.Key, 0, len(members))
	for _, m := range members {
		if len(m) == len(key.Key{}) { // else of another version
			keys = append(keys, key.Key([]byte(m)))
		}
	}
	return keys
}
