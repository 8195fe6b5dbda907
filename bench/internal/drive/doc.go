// Package drive does one run of load for a person or for CI: it shows the progress, judges the thresholds, looks for the highest rate that holds, says why the
// figures may be wrong, prints a summary and writes the result file.
//
// It sends no request itself (package load does), reads no flag and ends no process; which exit code an error stands for is its ExitCode.
package drive
