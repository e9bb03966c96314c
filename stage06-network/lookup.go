package network

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// lookUp asks the kernel what one key of a map leads to; to nil if the key isn't
// there, nor perhaps the map. The package that writes our rules can only have a
// map told whole. Question and answer are of one kind, linux/netfilter/nf_tables.h:
//
//	family u8 | version u8 | resource u16    struct nfgenmsg
//	table "cooper-6f1e02d4"
//	set   "published"
//	elements
//	  element
//	    key   value 06 00 00 00 1f 90 00 00
//	    data  value 0a 76 00 02 00 50 00 00  (the answer's)
func lookUp(conn *netlink.Conn, table, set string, key []byte) (value []byte, err error) {
	question := netlink.NewAttributeEncoder()
	question.String(unix.NFTA_SET_ELEM_LIST_TABLE, table)
	question.String(unix.NFTA_SET_ELEM_LIST_SET, set)
	nested(question, func(element *netlink.AttributeEncoder) { element.Bytes(unix.NFTA_DATA_VALUE, key) },
		unix.NFTA_SET_ELEM_LIST_ELEMENTS, unix.NFTA_LIST_ELEM, unix.NFTA_SET_ELEM_KEY)
	attributes, err := question.Encode()
	if err != nil {
		return nil, err
	}
	answers, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETSETELEM, Flags: netlink.Request},
		Data:   append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, attributes...),
	})
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err == nil && (len(answers) != 1 || len(answers[0].Data) < 4) {
		err = fmt.Errorf("%d answers", len(answers))
	}
	if err != nil {
		return nil, fmt.Errorf("look up a key of nftables map %s %s: %w", table, set, err)
	}
	return within(answers[0].Data[4:],
		unix.NFTA_SET_ELEM_LIST_ELEMENTS, unix.NFTA_LIST_ELEM, unix.NFTA_SET_ELEM_DATA, unix.NFTA_DATA_VALUE)
}

// nested writes attributes into one another, the first outermost.
func nested(into *netlink.AttributeEncoder, write func(*netlink.AttributeEncoder), kinds ...uint16) {
	if len(kinds) == 0 {
		write(into)
		return
	}
	into.Nested(kinds[0], func(inner *netlink.AttributeEncoder) error {
		nested(inner, write, kinds[1:]...)
		return nil
	})
}

// within finds the attribute that is within the others, the first outermost.
func within(data []byte, kinds ...uint16) ([]byte, error) {
	for _, kind := range kinds {
		attributes, err := netlink.NewAttributeDecoder(data)
		if err != nil {
			return nil, err
		}
		data = nil
		for data == nil && attributes.Next() {
			if attributes.Type() == kind {
				data = attributes.Bytes()
			}
		}
		if err := attributes.Err(); err != nil {
			return nil, err
		}
	}
	return data, nil
}
