// Package hardlayers holds an image with every trap in it that a layer can
// set, for tests: names that fit in no ustar header, owners beyond two million,
// files with holes, times before 1970, one kind of file in another's place,
// whiteouts that stand behind what they don't mean.
//
// It is made of bytes that are the same every time, since its digests are
// compared, and what it must look like is written down by hand, in Tree: no
// engine's code says what is right, ours least of all.
//
// Portable are the layers that every engine can load. Contrary goes on top of
// them, and holds what the image specification allows and some refuse.
package hardlayers
