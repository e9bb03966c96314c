package trace

import "time"

// Report is what became of the packet.
type Report struct {
	Container   string `json:"container"`   // as Probe.Name
	Destination string `json:"destination"` // as Probe.Host
	Protocol    string `json:"protocol"`    // tcp, udp or icmp
	Packet      string `json:"packet,omitempty"`
	Hops        []Hop  `json:"hops"`

	Result    Result        `json:"result"`
	Sentence  string        `json:"sentence"`
	Advice    []string      `json:"advice,omitempty"`
	RoundTrip time.Duration `json:"roundTripNanoseconds,omitempty"`
}

// Hop is one place on the packet's way, or one rule that matched it there.
type Hop struct {
	Way   Way    `json:"way"`
	Where string `json:"where"` // "container", "cable", "host"

	// What it is: "name", "route", "neighbour", "cable", or a hook of the
	// kernel: "prerouting", "input", "forward", "output", "postrouting".
	What string `json:"what"`

	Text    string `json:"text,omitempty"`    // in words
	Chain   string `json:"chain,omitempty"`   // "ip filter FORWARD": family, table, chain
	Depth   int    `json:"depth,omitempty"`   // how many jumps from the hook's chain
	Rule    string `json:"rule,omitempty"`    // as nft(8) would print it, without counters
	Handle  uint64 `json:"handle,omitempty"`  // by which nft -a names it
	Verdict string `json:"verdict,omitempty"` // "accept", "drop", "jump DOCKER-USER", "policy drop", …
	Others  int    `json:"others,omitempty"`  // how many rules of the chain didn't match, where its policy decides
	Change  string `json:"change,omitempty"`  // of the addresses: what NAT did here
	Ends    bool   `json:"ends,omitempty"`    // the packet got no farther
}

// Way is the direction.
type Way string

// The packet's ways.
const (
	Out  Way = "out"
	Back Way = "back"
)

// Result tells the ways in which a trace ends.
type Result string

// The results.
const (
	Unknown     Result = "unknown"     // nobody has an address for the name
	Answered    Result = "answered"    // by its destination
	Refused     Result = "refused"     // it arrived, and nobody listens there
	Dropped     Result = "dropped"     // by a rule
	Lost        Result = "lost"        // on this host, by none of nftables' rules
	Unreachable Result = "unreachable" // there is no way, or no neighbour
	Silent      Result = "no answer"   // it left this host, or arrived, and nothing came back
)
