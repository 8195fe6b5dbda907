// Package report renders a result file for a person: one HTML page that needs no network, the same content as Markdown, and single plots as SVG files.
//
// It draws what the file says and adds no judgement of its own; what changed against a base is judged by package result. Every text out of a file is escaped:
// operation names come from whoever wrote the workload.
package report
