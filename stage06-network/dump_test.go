package network

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

func TestAListThatChangedWhileItWasToldIsAskedForAgain(t *testing.T) {
	answers := []error{netlink.ErrDumpInterrupted, netlink.ErrDumpInterrupted, nil}
	list, err := whole(func() ([]int, error) {
		err := answers[0]
		answers = answers[1:]
		return []int{len(answers)}, err
	})
	require.NoError(t, err)
	require.Equal(t, []int{0}, list)
	cause := errors.New("no")
	_, err = whole(func() ([]int, error) { return nil, cause })
	require.Equal(t, cause, err)
}
