// Package docs keeps the book's promises: what a chapter shows is what the
// code is, what a chapter types is what a terminal answers, and no stage leans
// on a later one.
//
// The chapters lie beside this file. A reader starts with README.md; whoever
// changes the code starts here, with the tests, each of which is one promise:
//
//	listings_test.go   every listing equals its source
//	console_test.go    every console block runs, and answers as printed
//	gallery_test.go    every attack succeeds one stage earlier, and fails from its stage on
//	steps_test.go      every step has its heading, every heading its step
//	pictures_test.go   every picture is shown, described, and readable
//	links_test.go      every link between the pages leads somewhere
//	imports_test.go    nothing imports upward
//	spec_test.go       no field stands twice along the chain of Specs
//	shape_test.go      every stage has the same shape; some things nobody writes
//
// The other files hold what the tests need, each in a form that is tried
// without a file or a kernel: text in, answer out.
package docs
