package engine

import (
	"fmt"
	"math/rand/v2"
)

// A container without a name gets one from the workshop: what a cooper says of
// his wood, and what he makes or works with.
var (
	namesOfWood = []string{
		"aged", "amber", "brave", "bright", "broad", "charred", "clear", "curved", "dense", "dry",
		"fragrant", "golden", "grained", "hollow", "honest", "light", "mellow", "oaken", "patient", "pale",
		"plain", "proud", "quiet", "ripe", "round", "seasoned", "sound", "steady", "stout", "straight",
		"sturdy", "supple", "sweet", "tall", "tight", "toasted", "true", "warm", "weathered", "whole",
	}
	namesOfCraft = []string{
		"adze", "anker", "auger", "barrel", "bilge", "bodkin", "bucket", "bung", "butt", "cask",
		"chime", "chisel", "churn", "croze", "drum", "firkin", "funnel", "hogshead", "hoop", "jointer",
		"keg", "keeve", "kilderkin", "mallet", "pail", "pipe", "piggin", "pin", "plane", "puncheon",
		"rivet", "rundlet", "shive", "spigot", "spokeshave", "stave", "tap", "tierce", "tun", "vat",
	}
)

// inventName draws a name; after some failures it adds a number, so that there
// is always a free one.
func inventName(attempt int) string {
	name := namesOfWood[rand.IntN(len(namesOfWood))] + "_" + namesOfCraft[rand.IntN(len(namesOfCraft))]
	if attempt >= 3 {
		name = fmt.Sprintf("%s%d", name, rand.IntN(10*attempt*attempt))
	}
	return name
}
