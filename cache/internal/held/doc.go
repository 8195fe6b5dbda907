// Package held is the reverse index of what the tier of this process holds: which slots there are, and whether one of them may have a tag.
//
// It keeps no list for each tag: that would cost every fill as many map entries as the slot has tags, for an invalidation that may never
// come. It keeps the slots in one list, which is walked once for a whole batch of invalidations, away from requests, and a filter of tag
// hashes, which tells at once of most names that nobody has cached. A slot costs eight bytes and each tag one bit.
package held
