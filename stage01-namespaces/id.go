package namespaces

import (
	"crypto/rand"
	"encoding/hex"
)

// NewID returns a container id: 64 lower-case hex digits from the kernel's
// random numbers. Its first 12 digits are what people see.
func NewID() string {
	var id [32]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the program instead
	return hex.EncodeToString(id[:])
}
