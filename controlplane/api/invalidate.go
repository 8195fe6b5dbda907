package api

import (
	"fmt"
	"strings"
)

// listsOfInvalidate are its parameters that are lists.
var listsOfInvalidate = []string{"tags", "types", "prefixes", "patterns", "operations", "tenants"}

// confirmAll is what the parameter confirm must say beside all=true.
const confirmAll = "all"

// checkInvalidate refuses what a sidecar would refuse of POST /cache/invalidate, as far as it does not need a schema or rules of scope.
func checkInvalidate(params map[string]string) error {
	total := 0
	for _, name := range listsOfInvalidate {
		items := SplitList(params[name])
		total += len(items)
		for _, item := range items {
			if err := checkItem(name, item); err != nil {
				return err
			}
		}
	}
	if n := len(SplitList(params["prefixes"])) + len(SplitList(params["patterns"])); n > MaxPatterns {
		return invalid("command.params", fmt.Sprintf("invalidate has %d prefixes and patterns, the maximum is %d", n, MaxPatterns), "use a shorter one, or several commands")
	}
	for _, name := range []string{"all", "soft"} {
		if text, ok := params[name]; ok && text != "true" && text != "false" {
			return invalid("command.params", fmt.Sprintf("%s %s is neither true nor false", name, quote(text)), "write --param "+name+"=true")
		}
	}
	if err := checkAll(params, total); err != nil {
		return err
	}
	switch {
	case total == 0 && params["all"] != "true":
		return invalid("command.params", "invalidate names nothing",
			"add --param tags=City:5, types=City, prefixes=City:, patterns=City:*, operations=NAME or tenants=NAME; or --param all=true --param confirm=all")
	case total > MaxListItems:
		return invalid("command.params", fmt.Sprintf("invalidate names %d things, the maximum is %d", total, MaxListItems), "use types, or several commands")
	}
	return nil
}

// checkAll wants everything to be meant: each sidecar then asks its upstream for all that it is asked for.
func checkAll(params map[string]string, named int) error {
	confirm, confirmed := params["confirm"]
	switch all := params["all"] == "true"; {
	case all && named > 0:
		return invalid("command.params", "invalidate names everything and parts of it", "leave all out, or the names")
	case all && confirm != confirmAll:
		return invalid("command.params", "all=true makes every sidecar it reaches forget everything", "if that is meant, add --param confirm=all; narrow it by --service, or name types")
	case !all && confirmed:
		return invalid("command.params", "confirm is for all=true alone", "leave it out")
	}
	return nil
}

// checkItem refuses what can be no name in a list, what would match everything, and what a comma has cut in two.
func checkItem(list, item string) error {
	text := strings.TrimSuffix(list, "s")
	switch {
	case len(item) > MaxListItemSize:
		return invalid("command.params", fmt.Sprintf("an item of %s is longer than %d bytes", list, MaxListItemSize), "shorten it")
	case list == "tenants":
		return nil
	case list == "operations":
		if len(item) > MaxOperation {
			return invalid("command.params", fmt.Sprintf("an operation is longer than %d bytes", MaxOperation), "its entries go by its hash; name that")
		}
		return nil
	case item[0] == '@':
		return invalid("command.params", fmt.Sprintf("%s of %s begins with @, as only tags of Weir itself do", quote(item), list), "use operations or tenants")
	case list == "patterns" && item[0] == '*':
		return invalid("command.params", fmt.Sprintf("the pattern %s begins with *", quote(item)), "begin with the text of a tag, for instance City:*; or write all=true")
	case (list == "tags" || list == "patterns") && strings.Count(item, "(") != strings.Count(item, ")"):
		return invalid("command.params", fmt.Sprintf("the %s %s has a bracket without its other", text, quote(item)), `a comma separates items; write \, for one inside an item`)
	}
	return nil
}

// SplitList reads a list parameter: items are separated by commas, spaces around them are dropped, and so are empty ones. \, is a comma inside an
// item, \\ a backslash; any other backslash is one.
func SplitList(s string) (out []string) {
	var item []byte
	end := func() {
		if text := strings.TrimSpace(string(item)); text != "" {
			out = append(out, text)
		}
		item = item[:0]
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ',':
			end()
			continue
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == ',' || s[i+1] == '\\'):
			i++
		}
		item = append(item, s[i])
	}
	end()
	return out
}
