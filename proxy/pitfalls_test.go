package proxy

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A pitfall is something that caches of GraphQL got wrong. It is proven here, through real sockets, or by a test of another package.
type pitfall struct {
	group, name string
	run         func(t *testing.T)
	elsewhere   string // "folder TestName", or "folder TestName/name of a case"
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
		{group: "operations", name: "private_on_one_member_statically", elsewhere: "planner/internal/cachepolicy TestPolicies/private on one member only"},
		{group: "context", name: "header_without_vary", run: headerWithoutVary},
		{group: "context", name: "persisted_query_not_found", run: persistedQueryNotFound},
		{group: "context", name: "persisted_query_not_found_behind", run: persistedQueryNotFoundBehind},
		{group: "collapse", name: "across_users", run: collapseAcrossUsers},
		{group: "collapse", name: "first_caller_leaves", run: firstCallerLeaves},
		{group: "collapse", name: "only_caller_leaves", elsewhere: "proxy/internal/serve TestClientThatLeavesDoesNotEndTheFill"},
		{group: "collapse", name: "followers_of_a_fill_that_broke", elsewhere: "proxy/internal/serve TestFollowersDoNotWaitForAFillThatBroke"},
		{group: "memory", name: "giant_body", run: giantBody},
		{group: "memory", name: "entry_above_the_limit", elsewhere: "cache TestEntryAboveTheLimitIsRefused"},
		{group: "redis", name: "down_at_start", run: redisDownAtStart},
		{group: "redis", name: "comes_late", elsewhere: "cache TestRedisThatComesLate"},
		{group: "redis", name: "frozen", elsewhere: "cache TestFrozenRedisHoldsNobodyUp"},
		{group: "redis", name: "frozen_and_the_counters", elsewhere: "cache TestStatsDoNotWaitForRedis"},
		{group: "redis", name: "no_wait_beyond_the_budget", elsewhere: "cache TestNoLookupWaitsLongerThanItsBudget"},
		{group: "redis", name: "failover_loses_an_append", elsewhere: "cache TestFailoverThatLosesAnInvalidation"},
		{group: "redis", name: "log_emptied", elsewhere: "cache TestLogThatIsEmptiedFlushesEverybody"},
		{group: "time_and_versions", name: "clock_jump", elsewhere: "cache TestClockThatJumps"},
		{group: "time_and_versions", name: "clock_of_redis_jumps", elsewhere: "cache TestClockOfRedisThatJumps"},
		{group: "time_and_versions", name: "schema_reload", run: schemaReload},
		{group: "time_and_versions", name: "negative_entry_survives_a_create", run: negativeAndCreate},
		{group: "invalidation", name: "tag_nobody_cached", elsewhere: "cache TestTagNobodyCachedIsOfConstantCost"},
		{group: "invalidation", name: "tags_nobody_cached_are_bounded", elsewhere: "cache TestStormOfUnknownNamesIsCheap"},
		{group: "invalidation", name: "storm_blocks_nobody", run: storm},
		{group: "invalidation", name: "storm_leaves_the_p99", elsewhere: "proxy TestAttackTagFlood"},
		{group: "invalidation", name: "storm_reaches_others", elsewhere: "cache TestStormOfInvalidationsReachesOthers"},
	}
}

// TestPitfalls runs what is proven here and makes sure that what is proven elsewhere is there, and runs.
func TestPitfalls(t *testing.T) {
	for _, p := range pitfalls() {
		t.Run(p.group+"/"+p.name, func(t *testing.T) {
			if p.run != nil {
				p.run(t)
				return
			}
			folder, name, _ := strings.Cut(p.elsewhere, " ")
			if err := proven(filepath.Join("..", folder), name); err != nil {
				t.Errorf("%s: %v", p.elsewhere, err)
			}
		})
	}
}

// proven returns why a folder has no such test that go test runs here, or that it may be skipped.
func proven(folder, name string) error {
	pkg, err := build.ImportDir(folder, 0)
	if err != nil {
		return err
	}
	name, row, _ := strings.Cut(name, "/")
	for _, file := range slices.Concat(pkg.TestGoFiles, pkg.XTestGoFiles) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, file), nil, 0)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name && isTest(f) {
				return runs(f, row)
			}
		}
	}
	return fmt.Errorf("there is no test %s", name)
}

// isTest reports whether a function has the form func(t *testing.T).
func isTest(f *ast.FuncDecl) bool {
	if f.Recv != nil || f.Type.TypeParams != nil || f.Type.Results != nil || f.Type.Params.NumFields() != 1 {
		return false
	}
	star, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	of, ok := star.X.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := of.X.(*ast.Ident)
	return ok && from.Name == "testing" && of.Sel.Name == "T" && strings.HasPrefix(f.Name.Name, "Test")
}

// runs returns why a test does not prove a case: it can be skipped, or the case is not in it.
func runs(f *ast.FuncDecl, row string) (err error) {
	found := row == ""
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if strings.HasPrefix(n.Sel.Name, "Skip") {
				err = fmt.Errorf("%s can be skipped", f.Name.Name)
			}
		case *ast.BasicLit:
			text, bad := strconv.Unquote(n.Value)
			found = found || n.Kind == token.STRING && bad == nil && text == row
		}
		return true
	})
	if err == nil && !found {
		err = fmt.Errorf("%s has no case %q", f.Name.Name, row)
	}
	return err
}

// What is looked for has to be a test that runs.
func TestPitfallsAreLookedForInTheTree(t *testing.T) {
	for name, ok := range map[string]bool{
		"TestPitfalls": true, "TestPitfallsAreLookedForInTheTree/TestPitfalls": true,
		"TestPitfalls/another": false, "TestOfNobody": false, "proven": false, "TestMain": false,
	} {
		if err := proven(".", name); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
