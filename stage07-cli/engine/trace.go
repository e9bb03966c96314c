package engine

import (
	"context"
	"fmt"

	"cooper/stage06-network/trace"
)

// TraceOptions says which packet is traced.
type TraceOptions = trace.Probe

// TraceReport is what became of it.
type TraceReport = trace.Report

// Trace sends one packet from a running container to Host and tells its way.
// That it doesn't arrive is no error.
func (e *Engine) Trace(ctx context.Context, name string, o TraceOptions) (*TraceReport, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.mustRun(); err != nil {
		return nil, err
	}
	o.Container, o.NetNS = c.name(), c.namespace("net")
	o.Root = fmt.Sprintf("/proc/%d/root", c.seen.Status.Init.Pid)
	others, err := e.List(false)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		if other, err := e.load(other.ID); err == nil && other.id != c.id && other.running() {
			o.Others = append(o.Others, trace.Other{Name: other.name(), NetNS: other.namespace("net")})
		}
	}
	return trace.Run(ctx, o)
}
