// Package jsonlog keeps a container's output as Docker's json-file driver does,
// one JSON object a line, so that what reads Docker's logs reads these:
//
//	{"log":"hello\n","stream":"stdout","time":"2026-11-23T16:00:00.000000001Z"}
//	{"log":"\ufffd\n","raw":"/wo=","stream":"stderr","time":"…"}
//
// A line of output is one record, with its newline. A line longer than MaxLine
// becomes several records, of which only the last ends with a newline; put one
// after the other they are the line again.
//
// JSON holds text and a command may write any bytes. Docker replaces what isn't
// UTF-8 and so loses it. Here the record has the replaced text too, for readers
// that know only Docker's format, and beside it the exact bytes in base64 as
// "raw", which our own reader prefers: output comes back byte for byte.
//
// The files are log, log.1, log.2, …, from the newest to the oldest. When log
// has grown to its limit each moves one number up, the oldest goes, and a new
// log begins.
package jsonlog
