package remote

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name that Redis gives a script
	"encoding/hex"

	"github.com/redis/rueidis"
)

// script runs within Redis. It has one key, and so it goes wherever the key is while a slot of a cluster moves: a script of several keys is
// refused (TRYAGAIN) from the moment the move begins until it has ended, for keys that are at the other node and for those that are nowhere.
type script struct{ text, sha string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // the name that Redis gives a script
	return &script{text, hex.EncodeToString(sum[:])}
}

// run is one run of a script.
type run struct {
	*script
	key  string
	args []string
}

// runAll runs scripts in their order, in one round trip where the server knows them.
func runAll(ctx context.Context, c rueidis.Client, runs ...run) []rueidis.RedisResult {
	cmds := make(rueidis.Commands, len(runs))
	for i, r := range runs {
		cmds[i] = c.B().Evalsha().Sha1(r.sha).Numkeys(1).Key(r.key).Arg(r.args...).Build()
	}
	results := c.DoMulti(ctx, cmds...)
	for i, r := range runs {
		if err, ok := rueidis.IsRedisErr(results[i].Error()); ok && err.IsNoScript() {
			results[i] = c.Do(ctx, c.B().Eval().Script(r.text).Numkeys(1).Key(r.key).Arg(r.args...).Build())
		}
	}
	return results
}
