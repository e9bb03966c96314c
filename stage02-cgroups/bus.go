package cgroups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/godbus/dbus/v5"
)

// Systemd is asked over D-Bus, a way to call another process's methods through
// a daemon that knows where each one is. The methods and signals that we need
// are in org.freedesktop.systemd1(5).
const (
	systemdName = "org.freedesktop.systemd1"
	systemdPath = dbus.ObjectPath("/org/freedesktop/systemd1")
	manager     = systemdName + ".Manager."
)

// busSocket is where the bus is: the machine's, or without root the user's own,
// which leads to the systemd that serves this user's sessions.
func busSocket() string {
	if isUnprivileged() {
		return filepath.Join(cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())), "bus")
	}
	return "/run/dbus/system_bus_socket"
}

// systemd is a connection to it, with what it tells of its own accord.
type systemd struct {
	bus     *dbus.Conn
	signals chan *dbus.Signal
}

// dialSystemd connects. When the context ends, so does the connection.
func dialSystemd(ctx context.Context) (*systemd, error) {
	bus, err := dbus.Connect("unix:path="+dbus.EscapeBusAddressValue(busSocket()), dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	d := &systemd{bus, make(chan *dbus.Signal, 16)}
	bus.Signal(d.signals)
	err = bus.AddMatchSignalContext(ctx, dbus.WithMatchSender(systemdName), dbus.WithMatchObjectPath(systemdPath))
	if err == nil {
		err = d.call(ctx, "Subscribe").Err
	}
	if err != nil {
		return nil, errors.Join(err, bus.Close())
	}
	return d, nil
}

func (d *systemd) call(ctx context.Context, method string, args ...any) *dbus.Call {
	return d.bus.Object(systemdName, systemdPath).CallWithContext(ctx, manager+method, 0, args...)
}

// start makes the scope with this process in it, and returns when it's there.
func (sc scope) start(description string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := dialSystemd(ctx)
	if err != nil {
		return err
	}
	defer d.bus.Close()
	for {
		var job dbus.ObjectPath
		err := d.call(ctx, "StartTransientUnit", sc.unit, "fail", sc.properties(description), []auxiliary{}).Store(&job)
		if err == nil {
			return d.awaitJob(ctx, job)
		}
		var refused dbus.Error
		if !errors.As(err, &refused) || refused.Name != systemdName+".UnitExists" {
			return err
		}
		// The container's last run has ended, and systemd has yet to notice.
		if err := d.awaitRemoval(ctx, sc.unit); err != nil {
			return fmt.Errorf("it is there already: %w", err)
		}
	}
}

// property and auxiliary are what StartTransientUnit takes lists of: a(sv), and
// a(sa(sv)) for units that come along with the first.
type (
	property struct {
		Name  string
		Value dbus.Variant
	}
	auxiliary struct {
		Unit       string
		Properties []property
	}
)

// properties are the scope's, see systemd.scope(5) and systemd.unit(5).
func (sc scope) properties(description string) []property {
	return []property{
		{"Description", dbus.MakeVariant(description)},
		{"Slice", dbus.MakeVariant(sc.slice)},
		{"PIDs", dbus.MakeVariant([]uint32{0})},                 // whoever asks, whatever the number in his pid namespace
		{"Delegate", dbus.MakeVariant(true)},                    // all controllers, and nothing of systemd's in there
		{"DefaultDependencies", dbus.MakeVariant(false)},        // it isn't stopped early when the machine goes down
		{"CollectMode", dbus.MakeVariant("inactive-or-failed")}, // it's forgotten, however it ended
	}
}

// awaitJob waits for the end of what systemd was asked to do.
func (d *systemd) awaitJob(ctx context.Context, job dbus.ObjectPath) error {
	for {
		var id uint32
		var ended dbus.ObjectPath
		var unit, result string
		if err := d.await(ctx, "JobRemoved", &id, &ended, &unit, &result); err != nil {
			return err
		}
		switch {
		case ended != job:
			continue
		case result != "done":
			return fmt.Errorf("the job's result is %q: systemctl status %s tells more", result, unit)
		}
		return nil
	}
}

// awaitRemoval waits until systemd has forgotten a unit.
func (d *systemd) awaitRemoval(ctx context.Context, unit string) error {
	for {
		var removed string
		var object dbus.ObjectPath
		if err := d.await(ctx, "UnitRemoved", &removed, &object); err != nil || removed == unit {
			return err
		}
	}
}

// await reads systemd's next signal of that name.
func (d *systemd) await(ctx context.Context, name string, values ...any) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for systemd's signal %s: %w", name, ctx.Err())
		case signal, open := <-d.signals:
			if !open {
				return errors.New("systemd's bus has hung up")
			}
			if signal.Name == manager+name {
				return dbus.Store(signal.Body, values...)
			}
		}
	}
}
