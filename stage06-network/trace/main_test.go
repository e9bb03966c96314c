package trace

import (
	"cooper/stage01-namespaces/notrace"
	"os"
	"os/exec"
	"testing"
)

// The tests run in a network namespace of their own, which plays the host.
func TestMain(m *testing.M) {
	if os.Getenv(traceFor) != "" {
		traceAsTold()
		return
	}
	notrace.OwnRoom(0)
	if os.Geteuid() == 0 {
		if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
