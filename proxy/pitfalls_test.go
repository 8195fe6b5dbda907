package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pitfall is something that caches of GraphQL got wrong. It is proven here, through real sockets, or by a test of another package.
type pitfall struct {
	group, name string
	run         func(t *testing.T)
	elsewhere   string // "folder TestName"
}

// pitfalls are the cases of the caching reference, section 6, in its order.
func pitfalls() []pitfall {
	return []pitfall{
		{group: "headers", name: "missing_cache_control", run: missingCacheControl},
		{group: "headers", name: "max_age_0", run: maxAgeZero},
		{group: "headers", name: "age_ignored", run: ageIgnored},
		{group: "headers", name: "s_maxage_before_max_age", run: sharedMaxAge},
		{group: "headers", name: "vary_star", run: varyStar},
		{group: "headers", name: "set_cookie", run: setCookie},
		{group: "headers", name: "tag_header_over_16_KB", run: longTagHeader},
		{group: "headers", name: "tags_of_the_origin_over_their_limit", run: tooManyTags},
		{group: "operations", name: "subscription", run: subscriptionByPost},
		{group: "operations", name: "defer", run: deferred},
		{group: "operations", name: "mutation_through_get", run: mutationThroughGet},
		{group: "operations", name: "one_text_two_operations", run: oneTextTwoOperations},
		{group: "operations", name: "default_or_explicit_null", run: defaultOrNull},
		{group: "operations", name: "number_or_text", run: numberOrText},
		{group: "operations", name: "private_on_one_member", run: privateMember},
		{group: "operations", name: "private_on_one_member_statically", elsewhere: "planner/internal/cachepolicy TestPolicies"},
		{group: "context", name: "header_without_vary", run: headerWithoutVary},
		{group: "context", name: "persisted_query_not_found", run: persistedQueryNotFound},
		{group: "context", name: "persisted_query_not_found_behind", run: persistedQueryNotFoundBehind},
		{group: "collapse", name: "across_users", run: collapseAcrossUsers},
		{group: "collapse", name: "first_caller_leaves", elsewhere: "proxy/internal/serve TestClientThatLeavesDoesNotEndTheFill"},
		{group: "collapse", name: "followers_of_a_fill_that_broke", elsewhere: "proxy/internal/serve TestFollowersDoNotWaitForAFillThatBroke"},
		{group: "memory", name: "giant_body", run: giantBody},
		{group: "memory", name: "entry_above_the_limit", elsewhere: "cache TestEntryAboveTheLimitIsRefused"},
		{group: "redis", name: "down_at_start", run: redisDownAtStart},
		{group: "redis", name: "comes_late", elsewhere: "cache TestRedisThatComesLate"},
		{group: "redis", name: "frozen", elsewhere: "cache TestFrozenRedisHoldsNobodyUp"},
		{group: "redis", name: "no_wait_beyond_the_budget", elsewhere: "cache TestNoLookupWaitsLongerThanItsBudget"},
		{group: "redis", name: "failover_loses_an_append", elsewhere: "cache TestFailoverThatLosesAnInvalidation"},
		{group: "redis", name: "log_emptied", elsewhere: "cache TestLogThatIsEmptiedFlushesEverybody"},
		{group: "time_and_versions", name: "clock_jump", elsewhere: "cache TestClockThatJumps"},
		{group: "time_and_versions", name: "schema_reload", run: schemaReload},
		{group: "time_and_versions", name: "negative_entry_survives_a_create", run: negativeAndCreate},
		{group: "invalidation", name: "tag_nobody_cached", elsewhere: "cache TestStormOfUnknownNamesIsCheap"},
		{group: "invalidation", name: "storm_blocks_nobody", run: storm},
		{group: "invalidation", name: "storm_leaves_the_p99", elsewhere: "proxy TestAttackTagFlood"},
		{group: "invalidation", name: "storm_reaches_others", elsewhere: "cache TestStormOfInvalidationsReachesOthers"},
	}
}

// TestPitfalls runs what is proven here and makes sure that what is proven elsewhere is there.
func TestPitfalls(t *testing.T) {
	for _, p := range pitfalls() {
		t.Run(p.group+"/"+p.name, func(t *testing.T) {
			if p.run != nil {
				p.run(t)
				return
			}
			folder, name, _ := strings.Cut(p.elsewhere, " ")
			if !hasTest(t, folder, name) {
				t.Errorf("%s has no %s", folder, name)
			}
		})
	}
}

// hasTest looks for a test in the files of a folder of this module.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", folder, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
