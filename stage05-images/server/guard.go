package server

import (
	"net"
	"net/http"
	"slices"
	"strings"

	images "cooper/stage05-images"
)

// checkBrowser refuses what a web page asks for in its visitor's name. A
// registry on loopback is out of everybody's reach but of the programs of this
// machine, and a browser is one that runs programs of strangers:
//
//   - A page may send a POST anywhere and needn't see the answer. The browser
//     says whose page it is, in Origin or Sec-Fetch-Site.
//   - The page of evil.example may change the address of that name to 127.0.0.1
//     and then ask what is its own site. Its name is still in Host. (With TLS
//     it isn't: the certificate is for another name.)
//
// No client of a registry sends the first two, and all say an address, or a
// name that is this machine's.
func (h *Handler) checkBrowser(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); r.Header.Get("Origin") != "" || site == "cross-site" || site == "same-site" {
		return &images.Refusal{Code: images.Denied, Reason: "this is no place for web pages"}
	}
	if r.TLS == nil && !h.isOurs(r.Host) {
		return &images.Refusal{Code: images.Denied, Reason: "this machine isn't called that: use its address or its own name"}
	}
	return nil
}

// isOurs allows addresses, names without a dot, which nobody can buy, and those
// in Names.
func (h *Handler) isOurs(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return net.ParseIP(host) != nil || !strings.Contains(host, ".") || slices.Contains(h.Names, host)
}
