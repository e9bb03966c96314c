package network

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// transaction opens a socket to nftables for one change.
//
// Closing such a socket waits until the kernel has freed what was deleted,
// which is a grace period of RCU, some 15 ms. The change is in force before
// that, so finish lets it take its time.
func transaction() (conn *nftables.Conn, finish func(), err error) {
	conn, err = nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, nil, fmt.Errorf("open nftables: %w", err)
	}
	return conn, func() { go conn.CloseLasting() }, nil
}

// ensureRules makes the network's bridge one that the rules know. With the
// first one comes the table, all of it in one transaction. It also comes back
// so after a `flush ruleset`, with which many hosts begin to load their own
// rules: then with the bridges of all networks that have containers.
func (n Networks) ensureRules(d *Definition) error {
	return n.changeTable(func(conn *nftables.Conn) error {
		if err := n.addElements(conn, d); err != nil {
			return err
		}
		err := conn.Flush()
		if !errors.Is(err, unix.ENOENT) {
			return err
		}
		if err := addTable(conn, n.Table); err != nil {
			return err
		}
		used, err := n.used()
		if err != nil {
			return err
		}
		for _, other := range used {
			if other.Name != d.Name {
				err = errors.Join(err, n.addElements(conn, other))
			}
		}
		return errors.Join(err, n.addElements(conn, d), conn.Flush())
	})
}

// used lists the networks with a bridge that have containers.
func (n Networks) used() (list []*Definition, err error) {
	all, err := n.List()
	for _, d := range all {
		some, failed := n.record(d.Name).others("")
		if errors.Is(failed, fs.ErrNotExist) {
			continue // it has just been removed
		}
		if err = errors.Join(err, failed); some && d.Driver == Bridge {
			list = append(list, d)
		}
	}
	return list, err
}

func (n Networks) addElements(conn *nftables.Conn, d *Definition) error {
	var errs []error
	for _, set := range linkSets(tableNamed(n.Table)) {
		if set.Name == "proxied" && !bridgedPassRules() {
			continue
		}
		if element := d.element(set.Name); element != nil {
			errs = append(errs, conn.SetAddElements(set, element))
		}
	}
	return errors.Join(errs...)
}

// removeRules takes the network's bridge out of the sets. With the last one
// goes the table.
func (n Networks) removeRules(d *Definition) error {
	return n.changeTable(func(conn *nftables.Conn) error {
		sets := linkSets(tableNamed(n.Table))
		if there, err := hasTable(conn, n.Table, nftables.TableFamilyINet); !there {
			return err // or it was never made
		}
		left, err := conn.GetSetElements(sets[0])
		if err != nil {
			return err
		}
		if len(left) == 0 || len(left) == 1 && string(left[0].Key) == string(linkName(d.Link)) {
			conn.DelTable(tableNamed(n.Table))
			return conn.Flush()
		}
		for _, set := range sets {
			element := d.element(set.Name)
			if element == nil {
				continue
			}
			if err := takeOut(conn, set, element); err != nil {
				return err
			}
		}
		return conn.Flush()
	})
}

// takeOut has the transaction delete elements that may be there, and are ours
// only as they are given.
//
// The kernel deletes an element by its key, whatever it leads to, and to delete
// what isn't there is an error. So the transaction adds each one first: that does
// nothing if it is there as we would have it, and if it leads elsewhere the
// kernel refuses the whole transaction.
func takeOut(conn *nftables.Conn, set *nftables.Set, elements []nftables.SetElement) error {
	if err := conn.SetAddElements(set, elements); err != nil {
		return err
	}
	return conn.SetDeleteElements(set, elements)
}

func hasTable(conn *nftables.Conn, name string, family nftables.TableFamily) (bool, error) {
	tables, err := conn.ListTablesOfFamily(family)
	return slices.ContainsFunc(tables, func(table *nftables.Table) bool { return table.Name == name }), err
}

// changeTable runs do while no other process makes or removes the table.
func (n Networks) changeTable(do func(*nftables.Conn) error) error {
	return lockedFile(filepath.Join(n.Dir, "table.lock"), func() error {
		conn, finish, err := transaction()
		if err != nil {
			return err
		}
		defer finish()
		if err := do(conn); err != nil {
			return fmt.Errorf("change table %s: %w", n.Table, err)
		}
		return nil
	})
}
