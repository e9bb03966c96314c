package server

import (
	"strings"

	"cooper/stage05-images/reference"
)

// route is what a path asks for. Names of repositories have slashes in them,
// and may contain the very words that stand behind them; so a path is read from
// its end:
//
//	/v2/ me/blobs/app /manifests/ 1.2
//	     └name         └kind      └ref
type route struct {
	kind kind
	name string // of the repository
	ref  string // tag, digest or ID of an upload
}

type kind string

const (
	base      kind = "" // of /v2/ itself
	catalog   kind = "_catalog"
	tags      kind = "tags/list"
	manifests kind = "manifests"
	referrers kind = "referrers"
	blobs     kind = "blobs"
	uploads   kind = "blobs/uploads" // with a ref one of them, without the place to begin one
)

// parseRoute reads a path. That the name is a repository's by the grammar is
// left to checkName, whose answer is another than that to a path of no kind.
func parseRoute(path string) (route, bool) {
	rest, ok := strings.CutPrefix(path, "/v2/")
	switch {
	case path == "/v2" || ok && rest == "":
		return route{kind: base}, true
	case rest == string(catalog):
		return route{kind: catalog}, true
	}
	if name, found := strings.CutSuffix(rest, "/tags/list"); ok && found {
		return route{kind: tags, name: name}, true
	}
	if name, found := strings.CutSuffix(strings.TrimSuffix(rest, "/"), "/blobs/uploads"); ok && found {
		return route{kind: uploads, name: name}, true
	}
	head, ref := cutLast(rest)
	for _, k := range []kind{manifests, referrers, uploads, blobs} {
		if name, found := strings.CutSuffix(head, "/"+string(k)); ok && found && ref != "" {
			return route{k, name, ref}, true
		}
	}
	return route{}, false
}

func cutLast(path string) (head, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// valid tells whether a repository can have that name.
func (rt route) valid() bool {
	return rt.kind == base || rt.kind == catalog || reference.IsPath(rt.name)
}

// address is where something of the repository is found. All parts were
// checked, and none of them needs escaping in a path.
func (rt route) address(k kind, ref string) string {
	return "/v2/" + rt.name + "/" + string(k) + "/" + ref
}
