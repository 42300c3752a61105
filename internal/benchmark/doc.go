// Package benchmark has what the commands that measure Scrip have in common: ratios of what was measured round by round, the bars
// that they have to reach, and one table in Markdown with what the machine was above it.
package benchmark
