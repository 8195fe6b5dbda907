// Package hitratio answers what a cache of a given size would have hit on a trace of keys: Weir's own (the store that serves, played by
// cache.Simulate), plain LRU, and two that know the future: a cache that lets go of what is needed last (Belady, "A study of replacement
// algorithms for a virtual-storage computer", 1966), which could be built if one knew, and a bound that no cache can go beyond.
//
// With entries of different sizes the best choice is not computable in useful time. Clairvoyant is then only nearly the best, and Bound is
// more than can be reached: it lets each entry have its bytes for as long as it needs them and asks only that all of them together fit on
// average (the flow bound of Berger, Beckmann and Harchol-Balter, "Practical bounds on optimal caching with variable object sizes", 2018,
// in its plain form).
package hitratio
