package firewall

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// firewalld sorts the links of the host into zones, and rejects what comes from
// a link in none, or in one of the stricter ones. It flushes its table as it
// likes, so there is no adding rules to it; one asks it over D-Bus instead, see
// firewalld.dbus(5). Zone trusted lets everything in and through. "cooper+" is
// to it, as to iptables, all links whose name begins with cooper.
//
// It is asked for the running configuration alone, which is gone after its next
// start, and with some versions after firewall-cmd --reload: the next start of a
// container sets it again.
const (
	firewalldName   = "org.fedoraproject.FirewallD1"
	firewalldPath   = dbus.ObjectPath("/org/fedoraproject/FirewallD1")
	firewalldConfig = dbus.ObjectPath("/org/fedoraproject/FirewallD1/config")
	trustedZone     = "trusted"

	systemBus = "unix:path=/run/dbus/system_bus_socket"

	// firewalldPatience is long for a call of some 50 ms: while it reloads, it
	// answers nobody.
	firewalldPatience = 30 * time.Second
)

// zoneOf returns which zone's rules firewalld has in force for our bridges: ""
// for none. installed is false where it isn't at work. The kernel is
// asked, which is a hundred times as fast as firewalld, and knows better.
//
//	table inet firewalld {
//		chain filter_INPUT_ZONES {
//			iifname "cooper*" goto filter_IN_trusted
//			goto filter_IN_public
func (n nftables) zoneOf(p pattern) (zone string, installed bool, err error) {
	rules, err := n.rules(unix.NFPROTO_INET, "firewalld", "filter_INPUT_ZONES")
	if err != nil || len(rules) == 0 {
		return "", false, err
	}
	i := slices.IndexFunc(rules, func(r rule) bool { return r.in == p.nft() })
	if i < 0 {
		return "", true, nil
	}
	return strings.TrimPrefix(rules[i].chain, "filter_IN_"), true, nil
}

// admitFirewalld puts the bridges into zone trusted, unless somebody has put
// them into another.
func (n nftables) admitFirewalld(p pattern) error {
	zone, installed, err := n.zoneOf(p)
	if err != nil || !installed || zone != "" {
		return err
	}
	err = firewalld(func(call call) error {
		err := call(firewalldPath, "zone.addInterface", trustedZone, string(p)).Err
		if is(err, "ZONE_ALREADY_SET") { // by another process of ours, just now
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("put %s into firewalld's zone %s: %w: start firewalld, or run: nft delete table inet firewalld", p, trustedZone, err)
	}
	return nil
}

// withdrawFirewalld takes them out again, unless it says so in firewalld's
// permanent configuration: that was somebody else.
func (n nftables) withdrawFirewalld(p pattern) error {
	zone, _, err := n.zoneOf(p)
	if err != nil || zone != trustedZone {
		return err
	}
	err = firewalld(func(call call) error {
		var permanent string
		if err := call(firewalldConfig, "config.getZoneOfInterface", string(p)).Store(&permanent); err != nil {
			return err
		}
		if permanent != "" {
			return nil
		}
		err := call(firewalldPath, "zone.removeInterface", trustedZone, string(p)).Err
		if is(err, "UNKNOWN_INTERFACE") {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("take %s out of firewalld's zone %s: %w", p, trustedZone, err)
	}
	return nil
}

// call calls one of firewalld's methods.
type call func(path dbus.ObjectPath, method string, args ...any) *dbus.Call

// firewalld connects to it for as long as do runs.
func firewalld(do func(call) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), firewalldPatience)
	defer cancel()
	bus, err := dbus.Connect(systemBus, dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer bus.Close()
	return do(func(path dbus.ObjectPath, method string, args ...any) *dbus.Call {
		return bus.Object(firewalldName, path).CallWithContext(ctx, firewalldName+"."+method, dbus.FlagNoAutoStart, args...)
	})
}

// is tells whether firewalld's answer is this one of its errors: its messages
// begin with a word in capitals.
func is(err error, code string) bool {
	return err != nil && strings.HasPrefix(err.Error(), code)
}
