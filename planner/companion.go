package planner

import "strings"

// Companion returns the tag that has to be invalidated together with an entity's: of City:5 it is City:?, which stands on answers that
// hold a City whose key was not selected, and any of those may be number 5. ok is false for tags that name no single entity.
func Companion(tag string) (companion string, ok bool) {
	name, key, found := strings.Cut(tag, ":")
	if !found || name == "" || name == "list" || key == "" || key == "?" || strings.ContainsAny(name, ".(") {
		return "", false
	}
	return name + ":?", true
}
