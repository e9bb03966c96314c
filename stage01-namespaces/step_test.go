package namespaces

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// diary makes steps that write down what is done and undone.
type diary struct{ lines []string }

func (d *diary) step(name string, doErr, undoErr error) Step {
	return Step{
		Name: name,
		Do:   func() error { d.lines = append(d.lines, "do "+name); return doErr },
		Undo: func() error { d.lines = append(d.lines, "undo "+name); return undoErr },
	}
}

func TestTakeTakesEveryStepInOrder(t *testing.T) {
	var d diary
	var told []string
	err := Take([]Step{d.step("a", nil, nil), d.step("b", nil, nil)}, func(e Event) { told = append(told, e.Step) })
	require.NoError(t, err)
	require.Equal(t, []string{"do a", "do b"}, d.lines)
	require.Equal(t, []string{"a", "b"}, told)
}

func TestTakeUndoesLastFirstFromTheStepThatFailed(t *testing.T) {
	var d diary
	err := Take([]Step{
		d.step("a", nil, nil), {Name: "nothing to undo"}, d.step("b", unix.EPERM, nil), d.step("c", nil, nil),
	}, nil)
	require.Equal(t, []string{"do a", "do b", "undo b", "undo a"}, d.lines)
	require.EqualError(t, err, "b: operation not permitted")
	require.ErrorIs(t, err, unix.EPERM)
	var step *StepError
	require.ErrorAs(t, err, &step)
	require.Equal(t, "b", step.Step)
}

func TestUndoGoesOnPastAFailureAndReportsIt(t *testing.T) {
	var d diary
	err := Undo([]Step{d.step("a", nil, unix.EBUSY), d.step("b", nil, unix.EIO)})
	require.Equal(t, []string{"undo b", "undo a"}, d.lines)
	require.ErrorIs(t, err, unix.EBUSY)
	require.ErrorIs(t, err, unix.EIO)
	require.ErrorContains(t, err, "undo a: device or resource busy")
}

func TestAStepOfTheChildKeepsItsOwnName(t *testing.T) {
	inner := &StepError{Step: "rootfs/pivot_root", Err: unix.EINVAL}
	err := Take([]Step{{Name: "outer", Do: func() error { return inner }}}, nil)
	require.EqualError(t, err, "rootfs/pivot_root: invalid argument")
}

func TestExitCodeTellsTheLastActFromTheOthers(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{&StepError{stepExec, unix.ENOENT}, 127},
		{&StepError{stepExec, unix.ENOTDIR}, 127},
		{&StepError{stepFind, &notFound{"x"}}, 127},
		{&StepError{stepFind, unix.EACCES}, 126},
		{&StepError{stepExec, unix.EACCES}, 126},
		{&StepError{stepExec, unix.ENOEXEC}, 126},
		{&StepError{"rootfs/bind", unix.ENOENT}, 125},
		{errors.New("no such flag"), 125},
	} {
		require.Equal(t, c.want, ExitCode(c.err), "%v", c.err)
	}
}
