package unionfs

import (
	"os"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// On a kernel before 6.7 there is only the string of options.
func TestTheClassicWayMountsTheSame(t *testing.T) {
	notrace.Check(t)
	bottom := applied(t, file("old", ""), file("kept", ""))
	top := applied(t, file(".wh.old", ""))
	s := stackOf(t, top, bottom)
	inOwnMounts(t, func() {
		stack, err := openStack(s)
		require.NoError(t, err)
		defer stack.close()
		require.NoError(t, stack.mountClassic(s.Rootfs, unix.EINVAL))
		require.Equal(t, []string{"kept"}, names(t, s.Rootfs))
		require.NoError(t, os.Remove(s.Rootfs+"/kept"))
		for len(stack.lower) < 300 {
			stack.lower = append(stack.lower, stack.lower[0])
		}
		err = stack.mountClassic(s.Rootfs, unix.EINVAL)
		require.ErrorContains(t, err, "300 lower directories need Linux 6.7")
		stack.lower = stack.lower[:2]
	})
	require.True(t, isWhiteout(lstat(t, s.Upper+"/kept")))
}
