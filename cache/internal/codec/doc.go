// Package codec writes slots as the shared tier keeps them, and reads them back. A value carries its version, its own key and a checksum:
// what is damaged, foreign or of another version is no value.
package codec
