package server

import (
	"errors"
	"net/http"
	"time"

	images "cooper/stage05-images"
)

// Handler answers the protocol's requests out of a registry.
type Handler struct {
	Registry *images.Registry

	Logins *Logins     // who may come in; nil is everybody
	Names  []string    // by which this machine is called, besides addresses; for plain HTTP
	Fault  func(error) // is told of errors that are this machine's, not a client's

	Patience time.Duration // for a client's next piece; 0 is 30 s
}

// endpoint answers one kind of request, or returns why it won't.
type endpoint func(w http.ResponseWriter, r *http.Request, rt route) error

// endpoints is the protocol: what can be asked, and by which method.
func (h *Handler) endpoints() map[kind]map[string]endpoint {
	return map[kind]map[string]endpoint{
		base:      {"GET": h.greet, "HEAD": h.greet},
		catalog:   {"GET": h.listRepositories},
		tags:      {"GET": h.listTags},
		manifests: {"GET": h.getManifest, "HEAD": h.getManifest, "PUT": h.putManifest, "DELETE": h.deleteManifest},
		referrers: {"GET": h.listReferrers},
		blobs:     {"GET": h.getBlob, "HEAD": h.headBlob, "DELETE": h.deleteBlob},
		uploads:   {"POST": h.begin, "GET": h.status, "PATCH": h.send, "PUT": h.finish, "DELETE": h.cancel},
	}
}

// ServeHTTP lets a request in and has it answered.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pace := newPace(w, r, h.patience())
	defer pace.last()
	w, r.Body = pace, pace.body
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0") // by which old clients know a registry
	w.Header().Set("X-Content-Type-Options", "nosniff")               // a stranger's blob is no web page
	if err := h.answer(w, r); err != nil {
		h.refuse(w, r, err, pace.body.broken())
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) error {
	if err := h.checkBrowser(r); err != nil {
		return err
	}
	if err := h.checkLogin(w, r); err != nil {
		return err
	}
	rt, ok := parseRoute(r.URL.Path)
	if !ok {
		return errNoSuchPlace
	}
	act := h.endpoints()[rt.kind][r.Method]
	switch {
	case !rt.valid():
		return &images.Refusal{Code: images.NameInvalid, Reason: "no repository can be called that: a name is in lower case, such as me/app"}
	case act == nil, rt.kind == uploads && (r.Method == "POST") != (rt.ref == ""):
		return &images.Refusal{Code: images.Unsupported, Reason: r.Method + " means nothing here"}
	}
	return act(w, r, rt)
}

// errNoSuchPlace is for a path that the protocol doesn't have.
var errNoSuchPlace = errors.New("the registry's addresses begin with /v2/")

func (h *Handler) greet(w http.ResponseWriter, _ *http.Request, _ route) error {
	return writeJSON(w, http.StatusOK, struct{}{})
}
