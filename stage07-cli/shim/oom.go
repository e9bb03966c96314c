package shim

import (
	"os"
	"path/filepath"
	"strconv"

	"cooper/stage06-network"
)

// shimScore makes a shim one of the last victims when the machine runs out of
// memory; at -1000 it would be none at all. conmon has the same number. See
// proc_pid_oom_score_adj(5).
const shimScore = -999

// stepBack makes us a worse victim than our container. Without a supervisor the
// container would have to end, too, and nobody would have seen why. proc is
// /proc/self.
//
// To lower one's score takes CAP_SYS_RESOURCE. A root who lacks it, as in many
// containers, leaves us with the score that the caller has, which is then the
// container's as well.
//
// A score is inherited, and so is how low it may be set without the capability.
// So the container's is always set, to Docker's 0 where nobody asks for another.
func stepBack(proc string, spec *network.Spec) {
	err := os.WriteFile(filepath.Join(proc, "oom_score_adj"), []byte(strconv.Itoa(shimScore)), 0)
	if err == nil && spec.OOMScoreAdj == nil {
		spec.OOMScoreAdj = new(int)
	}
}
