package engine

import (
	"context"
	"errors"
	"slices"

	"cooper/stage01-namespaces"
	"cooper/stage03-rootfs"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim"
)

// Plan returns the steps that a container of these options would be started
// with, without making anything.
func (e *Engine) Plan(ctx context.Context, o CreateOptions) (outside, inside []namespaces.Step, err error) {
	if err := o.validate(); err != nil {
		return nil, nil, err
	}
	img, err := e.store.Find(o.Image)
	if err != nil {
		return nil, nil, tell(ErrNoImage, "No such image: %s", quotedImage(o.Image))
	}
	if err := errors.Join(e.resolveSharing(&o), o.expose(img)); err != nil {
		return nil, nil, err
	}
	var mounts []rootfs.Mount
	for _, m := range o.Mounts {
		// Where a volume will be isn't decided yet, and makes no other step.
		mount := rootfs.Mount{Type: m.Type, Source: m.Source, Destination: m.Destination, Options: m.Options}
		if m.Type == "volume" {
			mount.Type, mount.Source = "bind", e.Layout.Volume(m.Source)
		}
		mounts = append(mounts, mount)
	}
	s, err := e.configure(namespaces.NewID(), &o, img, mounts)
	if err != nil {
		return nil, nil, err
	}
	if err := check(s); err != nil {
		return nil, nil, err
	}
	held, err := rootfs.HeldCapabilities()
	if err != nil {
		return nil, nil, err
	}
	if s.OOMScoreAdj == nil && slices.Contains(held, "CAP_SYS_RESOURCE") {
		s.OOMScoreAdj = new(int) // the shim's would be inherited
	}
	if donor := s.Network.Mode.Container(); donor != "" {
		s.Network.FilesDir = e.Container(donor)
		network.Configure(s)
	}
	outside = network.Outside(s, new(namespaces.Process), e.store)
	if o.joins() {
		outside = slices.Insert(outside, len(outside)-1, shim.Recheck())
	}
	return outside, network.Inside(s), nil
}

// joins reports whether the container has another one's namespaces.
func (o *CreateOptions) joins() bool {
	return joined(string(o.Network)) != "" || joined(o.Sharing.IPC) != "" || joined(o.Sharing.PID) != ""
}
