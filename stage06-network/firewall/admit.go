package firewall

import (
	"errors"
	"fmt"
	"os"

	"cooper/stage05-images/flock"
)

// Admit sees to it that the other firewalls of this host let the packets of our
// bridges pass: "cooper+" is all links whose name begins with cooper, those of
// later too, and "br0" is that one alone, as iptables has it.
//
// It is called at each start of a container, and looks first: where all is
// well it has locked nothing and changed nothing. Each change is one
// transaction, so that a kill -9 leaves all of it or nothing.
func Admit(links string) error {
	n, err := openNftables()
	if err != nil {
		return err
	}
	defer n.Close()
	p := pattern(links)
	todo := func(c chain) (change, error) { return c.admit(p) }
	return errors.Join(n.changeForward(p, todo), n.admitFirewalld(p))
}

// Withdraw takes back what Admit added, and nothing else.
func Withdraw(links string) error {
	n, err := openNftables()
	if err != nil {
		return err
	}
	defer n.Close()
	p := pattern(links)
	todo := func(c chain) (change, error) { return c.withdraw(p), nil }
	return errors.Join(n.changeForward(p, todo), n.withdrawFirewalld(p))
}

// WithdrawUnlessUsed closes the other firewalls again behind the last of the
// bridges, whichever engine's it was.
//
// No lock keeps another network from getting its bridge meanwhile, and to be
// admitted before this closes. So it looks once more, and is done when what it
// has found last is what it has seen to.
func WithdrawUnlessUsed(links string) error {
	for admitted := true; ; admitted = !admitted {
		bridges, err := pattern(links).links()
		used := len(bridges) > 0
		switch {
		case err != nil || used == admitted:
			return err
		case used:
			err = Admit(links)
		default:
			err = Withdraw(links)
		}
		if err != nil {
			return err
		}
	}
}

// A plan says what is to be done to a chain.
type plan func(chain) (change, error)

// errPlanned ends what only looks, when there is something to do.
var errPlanned = errors.New("there is something to do")

// changeForward does what the plan says in every FORWARD of iptables there is:
// of both its programs, and of IPv6 too.
func (n nftables) changeForward(p pattern, todo plan) error {
	look := func(c chain) (change, error) {
		what, err := todo(c)
		if err == nil && !what.empty() {
			err = errPlanned
		}
		return change{}, err
	}
	if err := n.eachForward(p, look); !errors.Is(err, errPlanned) {
		return err
	}
	return locked(func() error { return n.eachForward(p, todo) })
}

func (n nftables) eachForward(p pattern, todo plan) error {
	var errs []error
	for _, family := range bothFamilies {
		errs = append(errs, n.changeIptables(family, p, todo))
	}
	for _, l := range bothLegacy {
		errs = append(errs, l.change(p, todo))
	}
	return errors.Join(errs...)
}

// lockFile is iptables-legacy's, see --wait in iptables(8). What we do to
// nf_tables would need no lock against iptables, but does against ourselves:
// two that see no rule would both add it.
const lockFile = "/run/xtables.lock"

func locked(do func() error) error {
	file, err := os.OpenFile(lockFile, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock iptables: %w", err)
	}
	defer file.Close()
	if err := flock.Lock(file); err != nil {
		return fmt.Errorf("lock iptables: %w", err)
	}
	return do()
}
