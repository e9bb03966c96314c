package namespaces

import (
	"errors"
	"fmt"
	"time"
)

// Step is one act that the kernel sees on a container's way into life.
//
// A container is two lists of steps with a clone in the middle: what the
// parent does outside, and what the child does inside before it becomes the
// command. Every stage of this book adds steps to the two lists; this loop is
// the only thing that takes them. Errors, --explain, plan and clean-up all
// come from it.
type Step struct {
	Name string       // "rootfs/pivot_root": the stage, then the act in the kernel's own word
	Why  string       // one sentence for the reader of --explain
	Do   func() error // a call of a named function
	Undo func() error // nil where the kernel forgets by itself; safe to call twice, or without Do
}

// StepError says which step failed. It unwraps to the cause, so that
// errors.Is(err, unix.EPERM) works, also when the step was taken by the child
// and the error came through the pipe.
type StepError struct {
	Step string
	Err  error
}

func (e *StepError) Error() string { return e.Step + ": " + e.Err.Error() }

func (e *StepError) Unwrap() error { return e.Err }

// Take takes the steps in order and tells watch (which may be nil) of each one
// as it begins.
//
// When a step fails, it and those before it are undone, last first: a step may
// fail half-way, and Undo is safe without Do. The error is a *StepError; what
// went wrong while undoing is joined to it.
func Take(steps []Step, watch func(Event)) error {
	for i, step := range steps {
		if watch != nil {
			watch(Event{Time: time.Now(), Step: step.Name, Why: step.Why})
		}
		if step.Do == nil {
			continue
		}
		if err := step.Do(); err != nil {
			return errors.Join(asStepError(step.Name, err), Undo(steps[:i+1]))
		}
	}
	return nil
}

// Undo undoes the steps, last first, and goes on when one can't be undone.
//
// It needs no memory of having taken them: with the Spec from disk a fresh
// process builds the same list and undoes it, which is how a container is
// cleaned up after a kill -9.
func Undo(steps []Step) error {
	var errs []error
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].Undo == nil {
			continue
		}
		if err := steps[i].Undo(); err != nil {
			errs = append(errs, fmt.Errorf("undo %w", asStepError(steps[i].Name, err)))
		}
	}
	return errors.Join(errs...)
}

// asStepError names the step of an error, unless the error already names one:
// what the child reports through the pipe carries the child's own step.
func asStepError(name string, err error) error {
	var inner *StepError
	if errors.As(err, &inner) {
		return err
	}
	return &StepError{Step: name, Err: err}
}
